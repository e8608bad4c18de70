"""Checkpoints of a run: the last one to go on from, the best one to use."""

import pathlib
from typing import Any, NamedTuple

import jax
import orbax.checkpoint as ocp

from lrp_jax.training.state import TrainState

SCORE = "cider"
# A checkpoint in the middle of an epoch has no validation score; less than any CIDEr, so it is never the best
# while there is another.
_NO_SCORE = -1.0


class Progress(NamedTuple):
    """What a run goes on from, beside the train state; plain data for JSON.

    Attributes:
      iterator: the state of the iterator over batches.
      plateau: the fields of the `Plateau`.
    """

    iterator: dict[str, Any]
    plateau: dict[str, Any]


def open_checkpoints(folder: pathlib.Path, *, read_only: bool = False) -> ocp.CheckpointManager:
    """The checkpoints in a folder, of which the last and the best are kept.

    Saving goes on in the background; the manager is a context manager, and leaving it waits. A checkpoint is
    seen by readers only when it is complete, so that a run killed in the middle of a save loses nothing else.
    """
    policies = ocp.checkpoint_managers
    options = ocp.CheckpointManagerOptions(
        best_fn=_score,
        preservation_policy=policies.AnyPreservationPolicy(
            [policies.LatestN(1), policies.BestN(get_metric_fn=_score, n=1)]
        ),
        # Not orbax's own read_only, which warns at every opening that it is.
        create=not read_only,
        save_root_metadata=not read_only,
    )
    handlers = {
        "params": ocp.StandardCheckpointHandler(),
        "rest": ocp.StandardCheckpointHandler(),
        "progress": ocp.JsonCheckpointHandler(),
    }
    return ocp.CheckpointManager(folder.absolute(), options=options, item_handlers=handlers)


def save_checkpoint(
    manager: ocp.CheckpointManager, state: TrainState, progress: Progress, score: float | None = None
) -> None:
    """Saves a checkpoint under the state's step; `score` is the validation CIDEr, None within an epoch."""
    manager.save(
        int(state.step),
        args=ocp.args.Composite(
            # Apart from the rest, so that a captioner can be read without its optimiser.
            params=ocp.args.StandardSave(state.params),
            rest=ocp.args.StandardSave(_rest(state)),
            progress=ocp.args.JsonSave(progress._asdict()),
        ),
        metrics={SCORE: _NO_SCORE if score is None else float(score)},
    )


def restore_checkpoint(manager: ocp.CheckpointManager, like: TrainState) -> tuple[TrainState, Progress]:
    """The last checkpoint, on the devices and with the shardings of `like`."""
    restored = manager.restore(
        manager.latest_step(),
        args=ocp.args.Composite(
            params=ocp.args.StandardRestore(_abstract(like.params)),
            rest=ocp.args.StandardRestore(_abstract(_rest(like))),
            progress=ocp.args.JsonRestore(),
        ),
    )
    state = TrainState(params=restored["params"], **restored["rest"])
    return state, Progress(**restored["progress"])


def restore_best_params(manager: ocp.CheckpointManager) -> Any:
    """The captioner's variables at the best validation score, on the first device.

    Raises:
      FileNotFoundError: there is no checkpoint.
    """
    step = manager.best_step()
    if step is None:
        raise FileNotFoundError(f"no checkpoint in {manager.directory}: train it first, with train.py")
    device = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    metadata = manager.item_metadata(step)["params"].tree
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device), metadata)
    return manager.restore(step, args=ocp.args.Composite(params=ocp.args.StandardRestore(shapes)))["params"]


def _rest(state: TrainState) -> dict[str, Any]:
    return {"step": state.step, "optimiser": state.optimiser, "key": state.key}


def _abstract(tree: Any) -> Any:
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), tree)


def _score(metrics: dict[str, float]) -> float:
    return metrics[SCORE]
