"""Training, from a config to a run's folder: cross-entropy, rewards and LRP inference, on one device or many hosts."""

import contextlib
import dataclasses
import json
import pathlib
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import NamedSharding, PartitionSpec
from tqdm import tqdm

from lrp_jax.captions.data.augment import SIDES
from lrp_jax.captions.data.images import LazyImages
from lrp_jax.captions.data.sources import source
from lrp_jax.captions.images import Dataset
from lrp_jax.captions.metrics import cider
from lrp_jax.captions.models.decoding import Beam, Decoder, Greedy
from lrp_jax.captions.runs.captioning import caption_tokens
from lrp_jax.captions.runs.checkpoints import open_checkpoints, restore_best
from lrp_jax.captions.runs.encoders import Encoder, encode_dataset, features_of, load_encoder, save_encoder
from lrp_jax.captions.runs.folder import build_captioner, load_config, save_config
from lrp_jax.captions.runs.settings import EARLIER, SettingsError
from lrp_jax.captions.storage.files import atomic, atomic_path
from lrp_jax.captions.training.bad_images import check_encoded, readable
from lrp_jax.captions.training.logs import MetricLog
from lrp_jax.captions.training.saving import Progress, restore_checkpoint, save_checkpoint, wait_for_checkpoints
from lrp_jax.captions.training.schedule import Linear, Plateau, Schedule
from lrp_jax.captions.training.stages import constants_of, frequencies_of, make_batches, make_objective, start_from
from lrp_jax.captions.training.state import NEVER, create_state, make_optimiser, make_step
from lrp_jax.captions.words import Vocabulary


class NotFiniteError(ArithmeticError):
    """A loss or gradient was not finite; the state before it is kept."""


class StoppedError(RuntimeError):
    """The run was asked to stop (SIGTERM), and has saved where it was."""


def train_and_evaluate(
    config: ml_collections.ConfigDict,
    workdir: str | pathlib.Path,
    *,
    resume: bool = False,
    encoder: Encoder | None = None,
    splits: Mapping[str, Dataset] | None = None,
) -> dict[str, float]:
    """Trains a captioner and scores it.

    With several processes (`jax.distributed.initialize` before the first use of a device) all of them call this, with
    the same arguments and a `workdir` that all of them see. Each reads its share of every batch; the first one writes.

    Args:
      config: the settings, see `paper_settings`.
      workdir: the run's folder, see `runs`; must not hold a run unless `resume`.
      resume: go on from the last checkpoint in `workdir`, if there is one. The parameters are those of a run
        that was never interrupted, bit by bit, on as many devices; on others, up to rounding.
      encoder: the encoder, if it is not to be the one of `config.encoder`.
      splits: the data, if it is not to be that of `config.source`.

    Returns:
      CIDEr of the best captioner, `{"cider/validation": ..., "cider/TEST SPLIT": ...}`; also in
      `results.json`.

    Raises:
      FileExistsError: `workdir` holds a run and `resume` is False.
      SettingsError: `resume`, and `workdir` holds a run with other settings; the devices do not divide a
        batch; there is no such source, encoder, captioner or run to start from; or an image cannot be read,
        and `config.bad_images` is "stop".
      FileNotFoundError: a file that the config names is not there.
      NotFiniteError: a loss was not finite. The last good state is saved, and the batch in `failed_batch.npz`.
      StoppedError: SIGTERM came. The state is saved.
      OSError: a checkpoint cannot be written; the earlier one is still there. Or an image that could be read when
        the run began no longer can.
    """
    workdir = pathlib.Path(workdir)
    config, start = start_from(config)
    process, processes = jax.process_index(), jax.process_count()
    for name, devices, of in (
        ("batch_size", jax.device_count() * config.accumulate, "devices, times config.accumulate"),
        ("evaluation_batch_size", jax.local_device_count(), "devices of a process"),
    ):
        if config[name] % devices:
            raise SettingsError(f"config.{name} is {config[name]}: wanted a multiple of {devices}, the {of}")
    for name, right, wanted in (
        ("bad_images", config.bad_images in ("stop", "skip"), '"stop" or "skip"'),
        ("schedule", config.schedule in ("plateau", "linear"), '"plateau" or "linear"'),
        ("flip", 0 <= config.flip <= 1, "a share from 0 to 1"),
        ("loader_threads", config.loader_threads >= 0, "a number of threads, or 0"),
    ):
        if not right:
            raise SettingsError(f"config.{name} is {config[name]!r}: wanted {wanted}")
    _check_workdir(config, workdir, resume)

    # ------------------------------------------------------------------------------------------------- data
    if encoder is None:
        inherited = start is not None and start.encoder is not None
        encoder = Encoder(start.encoder, start.encoder_params, start.preprocessing) if inherited else None
        encoder = load_encoder(config) if encoder is None else encoder
    trains_encoder = config.encoder_learning_rate > 0
    if trains_encoder and encoder is None:
        raise SettingsError("config.encoder_learning_rate: features that were computed elsewhere have no encoder")
    if splits is None:
        try:
            splits = source(config.source)
        except ValueError as error:
            raise SettingsError(f"config.source: {error}") from error
    if "validation" not in splits:
        raise SettingsError(f"config.source: wanted images for validation, got {', '.join(splits)} alone")
    if trains_encoder:
        splits, size = readable(splits, config, workdir), encoder.preprocessing.size
        images = {split: LazyImages(dataset, size) for split, dataset in splits.items()}
        references = {split: [dataset[i].captions for i in range(len(dataset))] for split, dataset in splits.items()}
    else:
        encoded = {split: features_of(dataset, encoder, config, name=split) for split, dataset in splits.items()}
        if encoder is not None:
            check_encoded(encoded, splits, config, workdir)
        images = {split: features.array for split, features in encoded.items()}
        references = {split: features.captions for split, features in encoded.items()}
    vocabulary = (
        Vocabulary.build((text for texts in references["train"] for text in texts), config.min_count)
        if start is None
        else start.vocabulary
    )
    if process == 0:
        workdir.mkdir(parents=True, exist_ok=True)
        vocabulary.save(workdir / "vocabulary.json")
        if encoder is not None:
            save_encoder(encoder, workdir / "encoder")
        save_config(config, workdir)
    captions = [[vocabulary.encode(text) for text in texts] for texts in references["train"]]
    batches = make_batches(config, images["train"], captions, share=(process, processes))
    if trains_encoder and config.flip:
        batches = batches.flipped(config.flip, {vocabulary.ids[word] for word in SIDES if word in vocabulary.ids})

    # ---------------------------------------------------------------------------------------------- devices
    # Every device holds the parameters and a share of each batch.
    auto = (jax.sharding.AxisType.Auto,)
    mesh = jax.make_mesh((jax.device_count(),), ("data",), axis_types=auto)
    everywhere, shared_out = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("data"))
    # Captions are decoded by each process for itself.
    here = jax.make_mesh((jax.local_device_count(),), ("data",), axis_types=auto, devices=jax.local_devices())
    all_here, shared_here = NamedSharding(here, PartitionSpec()), NamedSharding(here, PartitionSpec("data"))

    def put(batch):
        return jax.tree.map(lambda x: jax.make_array_from_process_local_data(shared_out, x), batch)

    # ------------------------------------------------------------------------------------------------ state
    captioner = build_captioner(config, len(vocabulary))
    optimiser = make_optimiser(b1=config.b1, b2=config.b2, clip=config.clip)
    first = images["train"][np.arange(1)]
    if trains_encoder:
        first = jax.eval_shape(encoder.module.apply, encoder.params, encoder.preprocessing(first))
        first = np.zeros((1, int(np.prod(first.shape[1:-1])), first.shape[-1]), first.dtype)
    state = create_state(
        captioner,
        optimiser,
        first,
        config.seed,
        params=None if start is None else start.params,
        encoder=encoder.params["params"] if trains_encoder else None,
    )
    state = _replicate(state, everywhere)
    step_fn = jax.jit(
        make_step(
            make_objective(config, captioner, vocabulary, encoder if trains_encoder else None),
            optimiser,
            encoder_rate=config.encoder_learning_rate / config.learning_rate if trains_encoder else 1.0,
            accumulate=config.accumulate,
        ),
        donate_argnums=0,
        in_shardings=(everywhere, shared_out, everywhere, everywhere),
        out_shardings=everywhere,
    )
    constants = _replicate(frequencies_of(config, captions, len(vocabulary)), everywhere)
    schedule = _schedule(config, len(batches))
    longest = max(config.lengths)

    def score(params, trained_encoder, split: str, decoder: Decoder) -> float:
        params = jax.device_put(_local(params), all_here)
        features, texts = images[split], references[split]
        if trains_encoder:
            seeing = encoder._replace(params={**constants_of(encoder), "params": _local(trained_encoder)})
            computed = encode_dataset(seeing, splits[split], name=split)
            features, texts = computed.array, computed.captions
        mine = np.arange(process, len(features), processes)
        tokens = caption_tokens(
            captioner, params, features, decoder=decoder, images=mine, batch_size=config.evaluation_batch_size,
            sharding=shared_here,
        )  # fmt: skip
        tokens = _gathered(tokens, len(features))
        return cider([" ".join(vocabulary.decode(row)) for row in tokens], texts)[0]

    static = {"config": config.to_dict(), "vocabulary": list(vocabulary.words)}
    with contextlib.ExitStack() as opened:
        checkpoints = opened.enter_context(open_checkpoints(workdir / "checkpoints", keep=config.keep))
        # ------------------------------------------------------------------------------------------- resume
        iterator_state = {"next_index": 0}
        if checkpoints.latest_step() is not None:
            state, progress = restore_checkpoint(checkpoints, like=state)
            iterator_state, schedule = progress.iterator, type(schedule)(**progress.schedule)
            if process == 0:
                print(f"resuming after step {int(_local(state.step))}", flush=True)
        step = int(_local(state.step))
        iterator = batches.iterate(iterator_state, threads=config.loader_threads)
        log = opened.enter_context(MetricLog(workdir, step) if process == 0 else contextlib.nullcontext())
        stop_asked = opened.enter_context(_sigterm())

        def save(validation: float | None = None) -> None:
            progress = Progress(iterator.get_state(), dataclasses.asdict(schedule), static)
            save_checkpoint(checkpoints, state, progress, validation)

        def check() -> None:
            """Raises if a step failed; before anything is saved or told."""
            failed = int(_local(state.failed))
            if failed == NEVER:
                return
            if process == 0:
                with atomic_path(workdir / "failed_batch.npz") as path, open(path, "wb") as file:
                    np.savez(file, step=failed, **batches[failed]._asdict())
            save_failed = state._replace(failed=jax.device_put(np.full((), NEVER, np.int32), everywhere))
            progress = Progress({"next_index": failed}, dataclasses.asdict(schedule), static)
            if checkpoints.latest_step() != failed:
                save_checkpoint(checkpoints, save_failed, progress)
            wait_for_checkpoints(checkpoints)
            raise NotFiniteError(
                f"{workdir}: the loss of step {failed} is not finite; the state before it is saved, its batch is in "
                "failed_batch.npz; look for bad features, or start with a smaller learning rate or clip"
            )

        # -------------------------------------------------------------------------------------------- train
        while step < len(batches) and not schedule.stopped:
            epoch, done = divmod(step, batches.steps_per_epoch)
            measured, began = [], time.monotonic()
            waited, since = 0.0, began
            progress_bar = tqdm(
                total=batches.steps_per_epoch,
                initial=done,
                desc=f"epoch {epoch + 1}",
                unit="step",
                leave=False,
                disable=None if process == 0 else True,
            )
            with progress_bar:
                for _ in range(done, batches.steps_per_epoch):
                    asked = time.monotonic()
                    batch = put(next(iterator))
                    if not measured or measured[-1]["loss"].is_ready():  # else there was work all the while
                        waited += time.monotonic() - asked
                    state, metrics = step_fn(state, batch, jnp.float32(schedule.rate(step)), constants)
                    measured.append(metrics)
                    step += 1
                    progress_bar.update()
                    if step % config.log_every == 0:
                        check()
                        means = _means(measured[-config.log_every :])
                        if process == 0:
                            numbers = {f"{name}/train": value for name, value in means.items()}
                            numbers["input_wait"] = waited / (time.monotonic() - since)
                            log.write(step, **numbers, learning_rate=schedule.rate(step - 1))
                            progress_bar.set_postfix(loss=f"{means['loss']:.3f}")
                        waited, since = 0.0, time.monotonic()
                    ends = step % batches.steps_per_epoch == 0
                    if stop_asked(step):
                        check()
                        save()
                        wait_for_checkpoints(checkpoints)
                        raise StoppedError(f"{workdir}: stopped after step {step}, which is saved; go on with --resume")
                    if config.checkpoint_every and step % config.checkpoint_every == 0 and not ends:
                        check()
                        save()
            check()
            speed = len(measured) / (time.monotonic() - began)

            # ----------------------------------------------------------------------------------- validation
            validation = score(state.params, state.encoder, "validation", Greedy(max_length=longest))
            schedule = schedule.after(validation)
            if process == 0:
                log.write(step, **{"cider/validation": validation, "steps_per_second": speed})
                print(
                    f"epoch {epoch + 1:3d}  loss {_means(measured)['loss']:.3f}  validation CIDEr {validation:.3f}"
                    f"  (best {schedule.best:.3f})  {speed:.1f} steps/s",
                    flush=True,
                )
            save(validation)

        # ------------------------------------------------------------------------------------------------ test
        wait_for_checkpoints(checkpoints)
        best, best_encoder = restore_best(checkpoints)
        tests = [split for split in images if split not in ("train", "validation")]
        beam = Beam(width=config.beam, max_length=longest)
        results = {f"cider/{split}": score(best, best_encoder, split, beam) for split in tests}
        if process == 0:
            log.write(step, **results)
    results = {"cider/validation": schedule.best, **results}
    if process == 0:
        with atomic(workdir / "results.json") as file:
            json.dump(results, file, indent=2)
    return results


def _schedule(config: ml_collections.ConfigDict, steps: int) -> Schedule:
    """How fast is learnt when, as the config has it."""
    if config.schedule == "linear":
        return Linear(config.learning_rate, steps)
    return Plateau(
        config.learning_rate,
        factor=config.anneal_factor,
        patience=config.anneal_after,
        stop_after=config.stop_after,
        least=config.least_learning_rate,
    )


def _replicate(tree: Any, sharding: NamedSharding) -> Any:
    """The same values on every device of every process."""
    if jax.process_count() == 1:
        return jax.device_put(tree, sharding)
    return jax.jit(lambda x: x, out_shardings=sharding)(tree)


def _local(tree: Any) -> Any:
    """What is the same everywhere, as arrays of one device of this process."""
    return jax.tree.map(lambda x: x.addressable_data(0), tree)


def _gathered(tokens: np.ndarray, count: int) -> np.ndarray:
    """The rows of all processes, of which each has every n-th, in order."""
    processes = jax.process_count()
    if processes == 1:
        return tokens
    rows = -(-count // processes)
    padded = np.zeros((rows, *tokens.shape[1:]), tokens.dtype)
    padded[: len(tokens)] = tokens
    everyones = multihost_utils.process_allgather(padded)  # [processes, rows, ...]
    return np.swapaxes(everyones, 0, 1).reshape(-1, *tokens.shape[1:])[:count]


def _means(measured: list[dict[str, jax.Array]]) -> dict[str, float]:
    return {name: float(np.mean([_local(metrics[name]) for metrics in measured])) for name in measured[0]}


@contextlib.contextmanager
def _sigterm() -> Iterator[Any]:
    """A function (step) -> whether the run was asked to stop, the same in all processes."""
    if jax.process_count() > 1:
        yield multihost_utils.reached_preemption_sync_point
        return
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield lambda step: False  # only the main thread is told of signals
        return
    before = signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        yield lambda step: asked.is_set()
    finally:
        signal.signal(signal.SIGTERM, before)


def _check_workdir(config: ml_collections.ConfigDict, workdir: pathlib.Path, resume: bool) -> None:
    """Raises unless the folder holds no run yet, or the one to go on with."""
    if not (workdir / "config.json").exists():
        return
    if not resume:
        raise FileExistsError(f"{workdir} holds a run already: pass --resume to go on, or another --workdir")
    before, now = EARLIER | _flat(load_config(workdir)), _flat(config)
    names = sorted((before.keys() | now.keys()) - {"loader_threads"})  # of which no result depends
    changed = [name for name in names if before.get(name) != now.get(name)]
    if changed:
        name = changed[0]
        raise SettingsError(
            f"cannot resume with other settings: config.{name} was {before.get(name)!r} in {workdir} and is "
            f"{now.get(name)!r} now; use another --workdir for a new run"
        )


def _flat(config: ml_collections.ConfigDict) -> dict[str, Any]:
    """Settings by their dotted names, through JSON so that lists and tuples are the same."""
    flat = {}
    for name, value in config.items():
        if isinstance(value, ml_collections.ConfigDict):
            flat.update({f"{name}.{inner}": item for inner, item in _flat(value).items()})
        else:
            flat[name] = json.loads(json.dumps(value))
    return flat
