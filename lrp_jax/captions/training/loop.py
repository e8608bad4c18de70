"""Training, from a config to a run's folder: cross-entropy, SCST and LRP inference, on one device or many hosts."""

import contextlib
import dataclasses
import json
import logging
import pathlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
from jax.experimental import multihost_utils
from tqdm import tqdm

from lrp_jax.captions.data.batches import Batches
from lrp_jax.captions.images import Dataset
from lrp_jax.captions.models import Captioner
from lrp_jax.captions.models.decoding import Beam, Decoder, Greedy
from lrp_jax.captions.models.encoding import Encoder
from lrp_jax.captions.runs.checkpoints import open_checkpoints, restore_best
from lrp_jax.captions.runs.encoders import save_encoder
from lrp_jax.captions.runs.folder import build_captioner, save_config
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.storage.files import atomic, atomic_path
from lrp_jax.captions.training.checks import check_settings, check_workdir
from lrp_jax.captions.training.devices import Devices, local
from lrp_jax.captions.training.learnable import check_learnable
from lrp_jax.captions.training.logs import MetricLog
from lrp_jax.captions.training.material import Material, load_material
from lrp_jax.captions.training.saving import Progress, restore_checkpoint, save_checkpoint, wait_for_checkpoints
from lrp_jax.captions.training.schedule import Linear, Plateau, Schedule
from lrp_jax.captions.training.stages import frequencies_of, make_objective, start_from
from lrp_jax.captions.training.state import NEVER, TrainState, create_state, make_optimiser, make_step
from lrp_jax.captions.training.validation import score


class NotFiniteError(ArithmeticError):
    """A loss or gradient was not finite; the state before that step is saved."""


class StoppedError(RuntimeError):
    """The run received SIGTERM, and has saved its state."""


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
    the same arguments and a `workdir` that all can access. Each reads its share of every batch; the first one writes.

    Args:
      config: the settings, see `paper_settings`.
      workdir: the run's folder, see `runs`; must not hold a run unless `resume`.
      resume: continue from the last checkpoint in `workdir`, if there is one. On the same number of devices the
        parameters are bit for bit those of an uninterrupted run; otherwise they agree up to rounding.
      encoder: the encoder, in place of `config.encoder`.
      splits: the data, in place of `config.source`.

    Returns:
      CIDEr of the best captioner, `{"cider/validation": ..., "cider/TEST SPLIT": ...}`; also in
      `results.json`.

    Raises:
      FileExistsError: `workdir` holds a run and `resume` is False.
      SettingsError: `resume`, and `workdir` holds a run with other settings; a batch size is not a multiple of the
        number of devices; there is no such source, encoder, captioner or run to start from; or an image cannot be read
        and `config.bad_images` is "stop".
      FileNotFoundError: a file that the config names does not exist.
      NotFiniteError: a loss was not finite. The last good state is saved, and the batch in `failed_batch.npz`.
      StoppedError: SIGTERM was received. The state is saved.
      OSError: a checkpoint cannot be written; the earlier one is kept. Or an image that was readable at the start of
        the run can no longer be read.
    """
    workdir = pathlib.Path(workdir)
    config, start = start_from(config)
    check_settings(config)
    check_workdir(config, workdir, resume)

    # ------------------------------------------------------------------------------------------------- data
    material = load_material(config, workdir, start, encoder, splits)
    remarks = check_learnable(material, config)
    if jax.process_index() == 0:
        for remark in remarks:
            logging.warning("%s", remark)
        _write_beginning(config, workdir, material)
    batches = material.batches(config, (jax.process_index(), jax.process_count()))

    # ------------------------------------------------------------------------------------------------- step
    devices = Devices.of_all_processes()
    captioner = build_captioner(config, len(material.words))
    state, step_fn = _build(config, captioner, material, devices, None if start is None else start.params)
    constants = devices.replicate(frequencies_of(config, material.captions, len(material.words)))
    speaker = Speaker(captioner, None, material.words, material.encoder, config=config)

    def validate(params: Any, trained_encoder: Any, split: str, decoder: Decoder) -> float:
        return score(speaker, params, trained_encoder, material, split, decoder, config, devices)

    # ------------------------------------------------------------------------------------------------- loop
    longest = max(config.lengths)
    static = {"config": config.to_dict(), "vocabulary": list(material.words.words)}
    with _Training(config, workdir, batches, devices, static) as training:
        training.begin(state)
        while not training.ended:
            training.epoch(step_fn, constants)
            training.validated(
                validate(training.state.params, training.state.encoder, "validation", Greedy(max_length=longest))
            )

        # --------------------------------------------------------------------------------------------- test
        best, best_encoder = training.best()
        beam = Beam(width=config.beam, max_length=longest)
        results = {f"cider/{split}": validate(best, best_encoder, split, beam) for split in material.test_splits}
        return training.finish(results)


def _write_beginning(config: ml_collections.ConfigDict, workdir: pathlib.Path, material: Material) -> None:
    """Writes the files that `load_run` needs in addition to the checkpoints."""
    workdir.mkdir(parents=True, exist_ok=True)
    material.words.save(workdir / "vocabulary.json")
    if material.encoder is not None:
        save_encoder(material.encoder, workdir / "encoder")
    save_config(config, workdir)


def _build(
    config: ml_collections.ConfigDict, captioner: Captioner, material: Material, devices: Devices, params: Any
) -> tuple[TrainState, Callable]:
    """The state before the first step, on all devices, and the jitted step.

    Args:
      config, captioner, material, devices: of the run.
      params: the captioner's initial variables; None for random ones.
    """
    optimiser = make_optimiser(b1=config.b1, b2=config.b2, clip=config.clip)
    encoder = material.encoder if material.trains_encoder else None
    first = material.images["train"][np.arange(1)]
    if encoder is not None:
        first = jax.eval_shape(encoder.module.apply, encoder.params, encoder.preprocessing(first))
        first = np.zeros((1, int(np.prod(first.shape[1:-1])), first.shape[-1]), first.dtype)
    state = create_state(
        captioner,
        optimiser,
        first,
        config.seed,
        params=params,
        encoder=None if encoder is None else encoder.params["params"],
    )
    step = make_step(
        make_objective(config, captioner, material.words, encoder),
        optimiser,
        encoder_rate=1.0 if encoder is None else config.encoder_learning_rate / config.learning_rate,
        accumulate=config.accumulate,
    )
    step_fn = jax.jit(
        step,
        donate_argnums=0,
        in_shardings=(devices.everywhere, devices.shared_out, devices.everywhere, devices.everywhere),
        out_shardings=devices.everywhere,
    )
    return devices.replicate(state), step_fn


class _Training:
    """The loop over epochs: its progress, its log and its checkpoints.

    Attributes:
      state: of the captioner and the optimiser.
      step: the number of steps taken.
    """

    def __init__(
        self,
        config: ml_collections.ConfigDict,
        workdir: pathlib.Path,
        batches: Batches,
        devices: Devices,
        static: dict[str, Any],
    ):
        self._config, self._workdir, self._batches = config, workdir, batches
        self._devices, self._static = devices, static
        self._first = jax.process_index() == 0  # the process that writes files and prints
        self._schedule = _schedule(config, len(batches))
        self._opened = contextlib.ExitStack()
        self.state: TrainState
        self.step = 0

    def __enter__(self) -> "_Training":
        keep = self._config.keep
        self._checkpoints = self._opened.enter_context(open_checkpoints(self._workdir / "checkpoints", keep=keep))
        return self

    def __exit__(self, *error) -> None:
        self._opened.__exit__(*error)

    def begin(self, state: TrainState) -> None:
        """Starts from the state, or from that of the last checkpoint if there is one."""
        iterator = {"next_index": 0}
        if self._checkpoints.latest_step() is not None:
            state, progress = restore_checkpoint(self._checkpoints, like=state)
            iterator, self._schedule = progress.iterator, type(self._schedule)(**progress.schedule)
            if self._first:
                print(f"resuming after step {int(local(state.step))}", flush=True)
        self.state, self.step = state, int(local(state.step))
        self._iterator = self._batches.iterate(iterator, threads=self._config.loader_threads)
        log = MetricLog(self._workdir, self.step) if self._first else contextlib.nullcontext()
        self._log = self._opened.enter_context(log)
        self._stop_asked = self._opened.enter_context(_sigterm())

    @property
    def ended(self) -> bool:
        """Whether all steps were taken, or the schedule has stopped."""
        return self.step >= len(self._batches) or self._schedule.stopped

    def epoch(self, step_fn: Callable, constants: Any) -> None:
        """Takes the remaining steps of an epoch.

        Raises:
          NotFiniteError, StoppedError: after saving the last good state.
        """
        config, steps = self._config, self._batches.steps_per_epoch
        number, done = divmod(self.step, steps)
        self._measured, began = [], time.monotonic()
        waited, since = 0.0, began
        bar = tqdm(
            total=steps,
            initial=done,
            desc=f"epoch {number + 1}",
            unit="step",
            leave=False,
            disable=None if self._first else True,
        )
        with bar:
            for _ in range(done, steps):
                asked = time.monotonic()
                batch = self._devices.put(next(self._iterator))
                if not self._measured or self._measured[-1]["loss"].is_ready():  # else the device was busy
                    waited += time.monotonic() - asked
                rate = self._schedule.rate(self.step)
                self.state, metrics = step_fn(self.state, batch, jnp.float32(rate), constants)
                self._measured.append(metrics)
                self.step += 1
                bar.update()
                if self.step % config.log_every == 0:
                    self._check()
                    means = _means(self._measured[-config.log_every :])
                    if self._first:
                        numbers = {f"{name}/train": value for name, value in means.items()}
                        numbers["input_wait"] = waited / (time.monotonic() - since)
                        self._log.write(self.step, **numbers, learning_rate=rate)
                        bar.set_postfix(loss=f"{means['loss']:.3f}")
                    waited, since = 0.0, time.monotonic()
                if self._stop_asked(self.step):
                    self._check()
                    self._save()
                    wait_for_checkpoints(self._checkpoints)
                    raise StoppedError(
                        f"{self._workdir}: stopped after step {self.step}, which is saved; continue with --resume"
                    )
                within = self.step % steps != 0
                if config.checkpoint_every and self.step % config.checkpoint_every == 0 and within:
                    self._check()
                    self._save()
        self._check()
        self._speed = len(self._measured) / (time.monotonic() - began)

    def validated(self, validation: float) -> None:
        """Ends an epoch with its validation score."""
        self._schedule = self._schedule.after(validation)
        if self._first:
            self._log.write(self.step, **{"cider/validation": validation, "steps_per_second": self._speed})
            print(
                f"epoch {-(-self.step // self._batches.steps_per_epoch):3d}  loss {_means(self._measured)['loss']:.3f}"
                f"  validation CIDEr {validation:.3f}  (best {self._schedule.best:.3f})  {self._speed:.1f} steps/s",
                flush=True,
            )
        self._save(validation)

    def best(self) -> tuple[Any, Any]:
        """The captioner's variables and the trained encoder's parameters at the best validation score."""
        wait_for_checkpoints(self._checkpoints)
        return restore_best(self._checkpoints)

    def finish(self, results: Mapping[str, float]) -> dict[str, float]:
        """Writes the results, and returns them with the best validation score."""
        if self._first:
            self._log.write(self.step, **results)
        results = {"cider/validation": self._schedule.best, **results}
        if self._first:
            with atomic(self._workdir / "results.json") as file:
                json.dump(results, file, indent=2)
        return results

    def _save(self, validation: float | None = None) -> None:
        progress = Progress(self._iterator.get_state(), dataclasses.asdict(self._schedule), self._static)
        save_checkpoint(self._checkpoints, self.state, progress, validation)

    def _check(self) -> None:
        """Raises if a step failed; called before anything is saved or logged."""
        failed = int(local(self.state.failed))
        if failed == NEVER:
            return
        if self._first:
            with atomic_path(self._workdir / "failed_batch.npz") as path, open(path, "wb") as file:
                np.savez(file, step=failed, **self._batches[failed]._asdict())
        fine = jax.device_put(np.full((), NEVER, np.int32), self._devices.everywhere)
        progress = Progress({"next_index": failed}, dataclasses.asdict(self._schedule), self._static)
        if self._checkpoints.latest_step() != failed:
            save_checkpoint(self._checkpoints, self.state._replace(failed=fine), progress)
        wait_for_checkpoints(self._checkpoints)
        raise NotFiniteError(
            f"{self._workdir}: the loss of step {failed} is not finite; the state before it is saved, its batch is in "
            "failed_batch.npz; check the features, or start again with a smaller learning rate or clip"
        )


def _schedule(config: ml_collections.ConfigDict, steps: int) -> Schedule:
    """The learning rate schedule of the config."""
    if config.schedule == "linear":
        return Linear(config.learning_rate, steps)
    return Plateau(
        config.learning_rate,
        factor=config.anneal_factor,
        patience=config.anneal_after,
        stop_after=config.stop_after,
        least=config.least_learning_rate,
    )


def _means(measured: list[dict[str, jax.Array]]) -> dict[str, float]:
    return {name: float(np.mean([local(metrics[name]) for metrics in measured])) for name in measured[0]}


@contextlib.contextmanager
def _sigterm() -> Iterator[Any]:
    """A function (step) -> whether SIGTERM was received; all processes get the same answer."""
    if jax.process_count() > 1:
        yield multihost_utils.reached_preemption_sync_point
        return
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield lambda step: False  # only the main thread receives signals
        return
    before = signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        yield lambda step: asked.is_set()
    finally:
        signal.signal(signal.SIGTERM, before)
