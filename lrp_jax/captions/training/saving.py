"""Saves the state of a run, and restores it."""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import chex
import jax
import orbax.checkpoint as ocp

from lrp_jax.captions.runs.checkpoints import SCORE
from lrp_jax.captions.training.state import TrainState

# The score of a checkpoint within an epoch, which has no validation score: below every CIDEr, so that it is not the
# best if there is another.
_NO_SCORE = -1.0

_REFUSALS = ("OS error", "No space left", "File too large", "RESOURCE_EXHAUSTED", "quota")


class Progress(NamedTuple):
    """What a resumed run needs in addition to the train state; plain data for JSON.

    Attributes:
      iterator: the state of the iterator over batches.
      schedule: the fields of the `Schedule`.
      static: "config" and "vocabulary", so that a checkpoint can be read without the run's other files.
    """

    iterator: dict[str, Any]
    schedule: dict[str, Any]
    static: dict[str, Any]


def save_checkpoint(
    manager: ocp.CheckpointManager, state: TrainState, progress: Progress, score: float | None = None
) -> None:
    """Saves a checkpoint under the state's step; `score` is the validation CIDEr, None within an epoch.

    Raises:
      OSError: it, or the one before it, cannot be written; the earlier ones are kept.
    """
    # Separate items, so that a captioner can be read without its optimiser.
    items = {"params": ocp.args.StandardSave(state.params), "rest": ocp.args.StandardSave(_rest(state))}
    if state.encoder is not None:
        items["encoder"] = ocp.args.StandardSave(state.encoder)
    with _plainly(manager):
        manager.save(
            int(state.step.addressable_data(0)),
            args=ocp.args.Composite(**items, progress=ocp.args.JsonSave(progress._asdict())),
            metrics={SCORE: _NO_SCORE if score is None else float(score)},
        )


def wait_for_checkpoints(manager: ocp.CheckpointManager) -> None:
    """Waits until everything is written.

    Raises:
      OSError: as `save_checkpoint`.
    """
    with _plainly(manager):
        manager.wait_until_finished()
        manager.check_for_errors()


@contextlib.contextmanager
def _plainly(manager: ocp.CheckpointManager) -> Iterator[None]:
    """Turns every form of a write error from orbax into an OSError of one line."""
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__cause__ or cause.__context__
        # tensorstore has the system's error only in the text of its own.
        if cause is None and not any(text in str(error) for text in _REFUSALS):
            raise
        why = getattr(cause, "strerror", None) or " ".join(str(error).split())[:200]
        raise OSError(
            f"{manager.directory}: cannot write a checkpoint ({why}); free some space and continue with --resume from "
            f"the last complete one"
        ) from error


def restore_checkpoint(manager: ocp.CheckpointManager, like: TrainState) -> tuple[TrainState, Progress]:
    """The last checkpoint, on the devices and with the shardings of `like`."""
    items = {
        "params": ocp.args.StandardRestore(_abstract(like.params)),
        "rest": ocp.args.StandardRestore(_abstract(_rest(like))),
    }
    if like.encoder is not None:
        items["encoder"] = ocp.args.StandardRestore(_abstract(like.encoder))
    args = ocp.args.Composite(**items, progress=ocp.args.JsonRestore())
    restored = manager.restore(manager.latest_step(), args=args)
    encoder = None if like.encoder is None else restored["encoder"]
    state = TrainState(params=restored["params"], encoder=encoder, **restored["rest"])
    # For keys and scalars orbax returns the types of the file, but the compiled step needs those of `like`.
    chex.assert_trees_all_equal_shapes_and_dtypes(state, like)
    progress = dict(restored["progress"])
    if "plateau" in progress:  # its name in earlier versions
        progress["schedule"] = progress.pop("plateau")
    return state, Progress(**progress)


def _rest(state: TrainState) -> dict[str, Any]:
    return {"step": state.step, "optimiser": state.optimiser, "key": state.key, "failed": state.failed}


def _abstract(tree: Any) -> Any:
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), tree)
