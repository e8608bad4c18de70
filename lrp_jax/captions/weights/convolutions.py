"""Purely convolutional encoders from arrays in PyTorch's layout."""

from collections.abc import Mapping

import numpy as np

from lrp_jax.captions.weights.named import as_numpy, nested, problems_with, raise_any, read_sizes


def convolutions(
    arrays: Mapping[str, np.ndarray], table: Mapping[str, tuple[str, str]], model: str
) -> tuple[dict[str, int], dict]:
    """Sizes and parameters of an encoder; `table` maps each name to our path and its shape.

    Kernels are converted from [out, in, height, width] to [height, width, in, out].

    Raises:
      TypeError: an array is not numeric.
      ValueError: one error that lists everything missing, unexpected or of the wrong shape.
    """
    arrays = as_numpy(arrays)
    shapes = {name: symbols for name, (_, symbols) in table.items()}
    sizes = read_sizes(arrays, shapes)
    raise_any(problems_with(arrays, shapes, sizes), model, sizes)
    params = {
        path: arrays[name].transpose(2, 3, 1, 0) if path.endswith("kernel") else arrays[name]
        for name, (path, _) in table.items()
    }
    return sizes, {"params": nested(params)}
