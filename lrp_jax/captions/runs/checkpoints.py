"""Checkpoints of a run: opens their folder, and restores the best one."""

import pathlib
from typing import Any

import jax
import orbax.checkpoint as ocp

SCORE = "cider"


def open_checkpoints(folder: pathlib.Path, *, keep: int = 1, read_only: bool = False) -> ocp.CheckpointManager:
    """The checkpoints in a folder; the last `keep` and the best are kept, older ones are deleted.

    Saving runs in the background; the manager is a context manager that waits for it on exit. Readers see a checkpoint
    only when it is complete, so that a run that is killed while saving loses only that checkpoint.
    """
    policies = ocp.checkpoint_managers
    options = ocp.CheckpointManagerOptions(
        best_fn=_score,
        preservation_policy=policies.AnyPreservationPolicy(
            [policies.LatestN(keep), policies.BestN(get_metric_fn=_score, n=1)]
        ),
        # Not orbax's own read_only, which logs a warning each time.
        create=not read_only,
        save_root_metadata=not read_only,
    )
    handlers = {
        "params": ocp.StandardCheckpointHandler(),
        "encoder": ocp.StandardCheckpointHandler(),
        "rest": ocp.StandardCheckpointHandler(),
        "progress": ocp.JsonCheckpointHandler(),
    }
    return ocp.CheckpointManager(folder.absolute(), options=options, item_handlers=handlers)


def restore_best(manager: ocp.CheckpointManager) -> tuple[Any, Any]:
    """The captioner's variables at the best validation score, and the encoder's parameters if it was trained.

    They are on the first device.

    Raises:
      FileNotFoundError: there is no checkpoint.
    """
    step = manager.best_step()
    if step is None:
        raise FileNotFoundError(f"no checkpoint in {manager.directory}: train it first, with train.py")
    device = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    metadata = manager.item_metadata(step)
    items = {}
    for name in ("params", "encoder"):
        if metadata.get(name) is not None:
            tree = metadata[name].tree
            shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device), tree)
            items[name] = ocp.args.StandardRestore(shapes)
    restored = manager.restore(step, args=ocp.args.Composite(**items))
    return restored["params"], restored["encoder"] if "encoder" in items else None


def _score(metrics: dict[str, float]) -> float:
    return metrics[SCORE]
