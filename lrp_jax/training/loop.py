"""Training with cross-entropy on frozen features, from a config to a run's folder."""

import dataclasses
import json
import pathlib
import time
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from tqdm import tqdm

from lrp_jax.data.batches import CaptionBatches
from lrp_jax.data.features import Dataset
from lrp_jax.data.files import atomic
from lrp_jax.data.sources import source
from lrp_jax.data.vocabulary import Vocabulary
from lrp_jax.metrics import cider
from lrp_jax.models.decoding import Beam, Decoder, Greedy
from lrp_jax.training.checkpoints import (
    Progress,
    open_checkpoints,
    restore_best_params,
    restore_checkpoint,
    save_checkpoint,
)
from lrp_jax.training.encoders import Encoder, features_of, load_encoder, save_encoder
from lrp_jax.training.evaluate import caption_features
from lrp_jax.training.logs import MetricLog
from lrp_jax.training.runs import build_captioner, load_config, save_config
from lrp_jax.training.schedule import Plateau
from lrp_jax.training.settings import SettingsError
from lrp_jax.training.state import create_state, make_optimiser, make_step


def train_and_evaluate(
    config: ml_collections.ConfigDict,
    workdir: str | pathlib.Path,
    *,
    resume: bool = False,
    encoder: Encoder | None = None,
    splits: Mapping[str, Dataset] | None = None,
) -> dict[str, float]:
    """Trains a captioner and scores it.

    Args:
      config: the settings, see `paper_settings`.
      workdir: the run's folder, see `runs`; must not hold a run unless `resume`.
      resume: go on from the last checkpoint in `workdir`, if there is one. The parameters are those of a run
        that was never interrupted, bit by bit.
      encoder: the frozen encoder, if it is not to be the one of `config.encoder`.
      splits: the data, if it is not to be that of `config.source`.

    Returns:
      CIDEr of the best captioner, `{"cider/validation": ..., "cider/TEST SPLIT": ...}`; also in
      `results.json`.

    Raises:
      FileExistsError: `workdir` holds a run and `resume` is False.
      SettingsError: `resume`, and `workdir` holds a run with other settings; the devices do not divide a
        batch; or there is no such source, encoder or captioner.
      FileNotFoundError: a file that the config names is not there.
    """
    workdir = pathlib.Path(workdir)
    devices = len(jax.local_devices())
    for name in ("batch_size", "evaluation_batch_size"):
        if config[name] % devices:
            raise SettingsError(f"config.{name} is {config[name]}: wanted a multiple of the {devices} devices")
    _check_workdir(config, workdir, resume)

    # ------------------------------------------------------------------------------------------------- data
    encoder = load_encoder(config) if encoder is None else encoder
    if splits is None:
        try:
            splits = source(config.source)
        except ValueError as error:
            raise SettingsError(f"config.source: {error}") from error
    encoded = {split: features_of(dataset, encoder, config, name=split) for split, dataset in splits.items()}
    train = encoded["train"]
    vocabulary = Vocabulary.build((text for texts in train.captions for text in texts), config.min_count)
    workdir.mkdir(parents=True, exist_ok=True)
    vocabulary.save(workdir / "vocabulary.json")
    if encoder is not None:
        save_encoder(encoder, workdir / "encoder")
    save_config(config, workdir)
    batches = CaptionBatches(
        train.array,
        [[vocabulary.encode(text) for text in texts] for texts in train.captions],
        batch_size=config.batch_size,
        lengths=config.lengths,
        seed=config.seed,
        epochs=config.epochs,
    )

    # ---------------------------------------------------------------------------------------------- devices
    # Every device holds the parameters and a share of each batch.
    mesh = jax.make_mesh((devices,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    everywhere = NamedSharding(mesh, PartitionSpec())
    shared_out = NamedSharding(mesh, PartitionSpec("data"))

    # ------------------------------------------------------------------------------------------------ state
    captioner = build_captioner(config, len(vocabulary))
    optimiser = make_optimiser(b1=config.b1, b2=config.b2, clip=config.clip)
    state = jax.device_put(create_state(captioner, optimiser, train.array, config.seed), everywhere)
    step_fn = jax.jit(
        make_step(captioner, optimiser),
        donate_argnums=0,
        in_shardings=(everywhere, shared_out, everywhere),
        out_shardings=everywhere,
    )
    plateau = Plateau(
        config.learning_rate,
        factor=config.anneal_factor,
        patience=config.anneal_after,
        stop_after=config.stop_after,
        least=config.least_learning_rate,
    )

    def score(params, split: str, decoder: Decoder) -> float:
        captions = caption_features(
            captioner,
            params,
            encoded[split].array,
            vocabulary,
            decoder=decoder,
            batch_size=config.evaluation_batch_size,
            sharding=shared_out,
        )
        return cider(captions, encoded[split].captions)[0]

    longest = max(config.lengths)
    with open_checkpoints(workdir / "checkpoints") as checkpoints:
        # ------------------------------------------------------------------------------------------- resume
        iterator_state = {"next_index": 0}
        if checkpoints.latest_step() is not None:
            state, progress = restore_checkpoint(checkpoints, like=state)
            iterator_state, plateau = progress.iterator, Plateau(**progress.plateau)
            print(f"resuming after step {int(state.step)}", flush=True)
        step = int(state.step)
        iterator = batches.iterate(iterator_state)

        # -------------------------------------------------------------------------------------------- train
        with MetricLog(workdir, step) as log:
            while step < len(batches) and not plateau.stopped:
                epoch, done = divmod(step, batches.steps_per_epoch)
                learning_rate = jnp.float32(plateau.learning_rate)
                losses, began = [], time.monotonic()
                progress_bar = tqdm(
                    total=batches.steps_per_epoch,
                    initial=done,
                    desc=f"epoch {epoch + 1}",
                    unit="step",
                    leave=False,
                    disable=None,
                )
                with progress_bar:
                    for _ in range(done, batches.steps_per_epoch):
                        batch = jax.device_put(next(iterator), shared_out)
                        state, loss = step_fn(state, batch, learning_rate)
                        losses.append(loss)
                        step += 1
                        progress_bar.update()
                        if step % config.log_every == 0:
                            mean = float(np.mean(losses[-config.log_every :]))
                            log.write(step, **{"loss/train": mean, "learning_rate": plateau.learning_rate})
                            progress_bar.set_postfix(loss=f"{mean:.3f}")
                        ends = step % batches.steps_per_epoch == 0
                        if config.checkpoint_every and step % config.checkpoint_every == 0 and not ends:
                            now = Progress(iterator.get_state(), dataclasses.asdict(plateau))
                            save_checkpoint(checkpoints, state, now)
                speed = len(losses) / (time.monotonic() - began)

                # ------------------------------------------------------------------------------- validation
                validation = score(state.params, "validation", Greedy(max_length=longest))
                plateau = plateau.after(validation)
                log.write(step, **{"cider/validation": validation, "steps_per_second": speed})
                print(
                    f"epoch {epoch + 1:3d}  loss {np.mean(losses):.3f}  validation CIDEr {validation:.3f}"
                    f"  (best {plateau.best:.3f})  {speed:.1f} steps/s",
                    flush=True,
                )
                now = Progress(iterator.get_state(), dataclasses.asdict(plateau))
                save_checkpoint(checkpoints, state, now, validation)

            # ------------------------------------------------------------------------------------------ test
            checkpoints.wait_until_finished()
            params = jax.device_put(restore_best_params(checkpoints), everywhere)
            tests = [split for split in encoded if split not in ("train", "validation")]
            beam = Beam(width=config.beam, max_length=longest)
            results = {f"cider/{split}": score(params, split, beam) for split in tests}
            log.write(step, **results)
    results = {"cider/validation": plateau.best, **results}
    with atomic(workdir / "results.json") as file:
        json.dump(results, file, indent=2)
    return results


def _check_workdir(config: ml_collections.ConfigDict, workdir: pathlib.Path, resume: bool) -> None:
    """Raises unless the folder holds no run yet, or the one to go on with."""
    if not (workdir / "config.json").exists():
        return
    if not resume:
        raise FileExistsError(f"{workdir} holds a run already: pass --resume to go on, or another --workdir")
    before, now = _flat(load_config(workdir)), _flat(config)
    changed = [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]
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
