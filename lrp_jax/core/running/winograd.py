"""The transpose of a 3 x 3 convolution with fewer multiplications: Winograd's F(2 x 2, 3 x 3).

Two by two neighbours of the result take 16 multiplications for each pair of channels, and not 36. The price is sums
over each channel, so it pays where there are many channels; and a rounding error is relative to the largest of 4 x 4
values where it was relative to the largest of 3 x 3.

Reference:
  Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2016.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

# Pairs of an input and an output channel, from which on it was measured to be the faster way (docs/BENCHMARKS.md).
LEAST_PAIRS = 128 * 256

# What a flax convolution over [N, H, W, C] has; other layouts keep their convolution.
_PARAMS = {
    "dimension_numbers": lax.ConvDimensionNumbers((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2)),
    "window_strides": (1, 1),
    "lhs_dilation": (1, 1),
    "rhs_dilation": (1, 1),
    "feature_group_count": 1,
    "batch_group_count": 1,
    "preferred_element_type": None,
}


def pays(params: Mapping[str, Any], kernel: Array) -> bool:
    """Whether `transpose` is right, and the faster way, for a `conv_general_dilated` with this kernel.

    It is faster on a CPU; libraries of accelerators choose such algorithms themselves. Types other than float32 keep
    the convolution: float64 is there for its exactness, and shorter ones have no digits to spare.
    """
    return (
        jax.default_backend() == "cpu"
        and kernel.dtype == jnp.float32
        and kernel.shape[:2] == (3, 3)
        and math.prod(kernel.shape[2:]) >= LEAST_PAIRS
        and all(params[name] == value for name, value in _PARAMS.items())
        and all(0 <= pad <= 2 for side in params["padding"] for pad in side)
    )


def transpose(
    s: Float[Array, "N h w K"], kernel: Float[Array, "3 3 C K"], padding: Sequence[tuple[int, int]]
) -> Float[Array, "N H W C"]:
    """What the transpose of the convolution with this kernel and padding makes of s."""
    sizes = [size + 2 - sum(pads) for size, pads in zip(s.shape[1:3], padding, strict=True)]
    # Results come in twos: where their number is odd there is one more, which is cut off in the end.
    rows, columns = (size + size % 2 for size in sizes)
    edges = [(2 - low, 2 - high + size % 2) for (low, high), size in zip(padding, sizes, strict=True)]
    s = jnp.pad(s, ((0, 0), *edges, (0, 0)))
    tiles = _both(
        _of_tiles, [[s[:, i : i + rows - 1 : 2, j : j + columns - 1 : 2] for j in range(4)] for i in range(4)]
    )
    kernels = _both(_of_kernel, kernel)
    # Sixteen products, each for itself: one product with an axis of sixteen was copied four times on its way.
    products = [
        [jnp.einsum("nijk,ck->nijc", *pair) for pair in zip(*row, strict=True)]
        for row in zip(tiles, kernels, strict=True)
    ]
    result = jnp.stack([jnp.stack(row, axis=3) for row in _both(_of_products, products)], axis=2)
    return result.reshape(len(s), rows, columns, -1)[:, : sizes[0], : sizes[1]]


def _both(f: Callable[[Sequence[Array]], list[Array]], grid: Sequence[Sequence[Array]]) -> list[tuple[Array, ...]]:
    """f along the rows of a grid of arrays, and then along its columns."""
    columns = zip(*(f(row) for row in grid), strict=True)
    return list(zip(*(f(column) for column in columns), strict=True))


def _of_tiles(values: Sequence[Array]) -> list[Array]:
    """B^T: four neighbours of s along an axis, as they enter the products."""
    a, b, c, d = values
    return [a - c, b + c, c - b, b - d]


def _of_kernel(taps: Sequence[Array]) -> list[Array]:
    """G: three taps of the kernel along an axis, turned around as the transpose of a convolution turns them."""
    c, b, a = taps
    even, odd = (a + c) / 2, b / 2
    return [a, even + odd, even - odd, c]


def _of_products(products: Sequence[Array]) -> list[Array]:
    """A^T: four products along an axis, to two neighbours of the result."""
    a, b, c, d = products
    return [a + b + c, b - c - d]
