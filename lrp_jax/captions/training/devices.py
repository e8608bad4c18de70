"""Shardings of a run: parameters are replicated on all devices, batches are split over those of all processes."""

import dataclasses
from typing import Any

import chex
import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import NamedSharding, PartitionSpec


@dataclasses.dataclass(frozen=True)
class Devices:
    """The shardings of a run.

    Attributes:
      everywhere: replicated on every device of every process.
      shared_out: the first axis split over all devices of all processes.
      all_here, shared_here: the same for the devices of this process only, as each process decodes its own captions.
    """

    everywhere: NamedSharding
    shared_out: NamedSharding
    all_here: NamedSharding
    shared_here: NamedSharding

    @classmethod
    def of_all_processes(cls) -> "Devices":
        """The shardings over all available devices."""
        auto = (jax.sharding.AxisType.Auto,)
        mesh = jax.make_mesh((jax.device_count(),), ("data",), axis_types=auto)
        here = jax.make_mesh((jax.local_device_count(),), ("data",), axis_types=auto, devices=jax.local_devices())
        same, cut = PartitionSpec(), PartitionSpec("data")
        return cls(
            NamedSharding(mesh, same), NamedSharding(mesh, cut), NamedSharding(here, same), NamedSharding(here, cut)
        )

    def put(self, batch: Any) -> Any:
        """Makes the global batch on all devices from this process' share."""
        chex.assert_equal_shape_prefix(jax.tree.leaves(batch), 1)  # else the processes would disagree on the batch
        return jax.tree.map(lambda x: jax.make_array_from_process_local_data(self.shared_out, x), batch)

    def replicate(self, tree: Any) -> Any:
        """Copies the values to every device of every process."""
        if jax.process_count() == 1:
            return jax.device_put(tree, self.everywhere)
        return jax.jit(lambda x: x, out_shardings=self.everywhere)(tree)

    def here(self, tree: Any) -> Any:
        """Replicated values, on the devices of this process only."""
        return jax.device_put(local(tree), self.all_here)


def local(tree: Any) -> Any:
    """Replicated values, as arrays on one device of this process."""
    return jax.tree.map(lambda x: x.addressable_data(0), tree)


def gathered(rows: np.ndarray, count: int) -> np.ndarray:
    """The rows of all processes, in order; process i of n holds rows i, i + n, ....

    Args:
      rows: of this process.
      count: the number of rows of all processes together.
    """
    processes = jax.process_count()
    if processes == 1:
        return rows
    most = -(-count // processes)
    padded = np.zeros((most, *rows.shape[1:]), rows.dtype)
    padded[: len(rows)] = rows
    everyones = multihost_utils.process_allgather(padded)  # [processes, rows, ...]
    return np.swapaxes(everyones, 0, 1).reshape(-1, *rows.shape[1:])[:count]
