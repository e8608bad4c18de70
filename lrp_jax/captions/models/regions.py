"""Features of image regions instead of grid cells: RoIAlign over the feature map of any encoder."""

from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

GRIDS = ((1, 1), (2, 2), (3, 3), (4, 4), (1, 3), (3, 1))
"""36 boxes, the number of regions of the published bottom-up features."""


class RegionEncoder(nn.Module):
    """One feature for each of n_v boxes: the mean of the encoder's feature map inside the box, by RoIAlign.

    Images [..., H, W, 3] -> features [..., n_v, C]. Linear in the feature map, so that the relevance of a bottom-up
    captioner can be propagated through the regions to the pixels.

    trunk: the encoder, images -> [..., h, w, C].
    bins: number of bins of a region along each side; each bin is sampled at 2 x 2 points, by bilinear interpolation of
      the feature map.

    The boxes [n_v, 4] are a variable of the collection "regions", (x0, y0, x1, y1) as shares of the image's width and
    height; `with_boxes` replaces them, also by one set for each image, [..., n_v, 4].

    Reference: He et al., "Mask R-CNN" (2017), section 3; Anderson et al., "Bottom-up and top-down attention" (2018).
    """

    trunk: nn.Module
    bins: int = 7

    @nn.compact
    def __call__(self, images: Float[Array, "*batch H W 3"]) -> Float[Array, "*batch n_v C"]:
        boxes = self.variable("regions", "boxes", multi_scale_boxes).value
        features = self.trunk(images)
        h, w, channels = features.shape[-3:]
        weights = roi_weights(jnp.asarray(boxes, features.dtype), (h, w), self.bins)
        return weights @ features.reshape(*features.shape[:-3], h * w, channels)


def roi_weights(
    boxes: Float[Array, "*batch n_v 4"], shape: tuple[int, int], bins: int, samples: int = 2
) -> Float[Array, "*batch n_v hw"]:
    """The weight of each cell of a feature map in the mean over a box; the weights of a box sum to 1.

    RoIAlign's bins are averaged and its samples lie on a grid, so the weight of a cell is the product of its weights
    along the two sides.

    Args:
      boxes: (x0, y0, x1, y1) in [0, 1].
      shape: (h, w) of the feature map.
      bins: number of bins along a side.
      samples: number of samples of each bin along a side.
    """
    x0, y0, x1, y1 = jnp.moveaxis(boxes, -1, 0)
    rows = _side_weights(y0, y1, shape[0], bins * samples)
    columns = _side_weights(x0, x1, shape[1], bins * samples)
    return (rows[..., :, None] * columns[..., None, :]).reshape(*rows.shape[:-1], -1)


def _side_weights(low: Array, high: Array, size: int, points: int) -> Float[Array, "*batch n_v size"]:
    """The mean of the linear interpolation weights at `points` evenly spaced points from low to high."""
    shares = low[..., None] + (high - low)[..., None] * (jnp.arange(points) + 0.5) / points
    # Cell centres are at half-integers; beyond the outermost centres the map is extended by its border values.
    places = jnp.clip(shares * size - 0.5, 0, size - 1)
    return jnp.maximum(1 - jnp.abs(places[..., None] - jnp.arange(size)), 0).mean(axis=-2)


def multi_scale_boxes(grids: Sequence[tuple[int, int]] = GRIDS) -> Float[np.ndarray, "n_v 4"]:
    """Boxes for images without detections, from the whole image to small ones.

    Args:
      grids: (rows, columns) of each scale; neighbouring boxes of a scale overlap by half.

    Returns:
      float32 (x0, y0, x1, y1) in [0, 1].

    Example:
      >>> multi_scale_boxes([(1, 1), (1, 3)])[1:, [0, 2]].tolist()  # from 0, 1/4 and 1/2, half the width each
      [[0.0, 0.5], [0.25, 0.75], [0.5, 1.0]]
    """
    boxes = []
    for rows, columns in grids:
        for y0, y1 in _windows(rows):
            boxes += [(x0, y0, x1, y1) for x0, x1 in _windows(columns)]
    return np.array(boxes, np.float32)


def _windows(count: int) -> list[tuple[float, float]]:
    """`count` windows over [0, 1], each twice as long as the step between them; a single one is the whole interval."""
    if count == 1:
        return [(0.0, 1.0)]
    return [(i / (count + 1), (i + 2) / (count + 1)) for i in range(count)]


def region_variables(
    trunk_variables: Mapping[str, Any], boxes: Float[Array, "*batch n_v 4"] | None = None
) -> dict[str, Any]:
    """The variables of a `RegionEncoder` from those of its trunk.

    Args:
      trunk_variables: {"params": ...} and further collections of the trunk.
      boxes: see `with_boxes`; None for `multi_scale_boxes()`.
    """
    variables = {name: {"trunk": tree} for name, tree in trunk_variables.items()}
    return with_boxes(variables, multi_scale_boxes() if boxes is None else boxes)


def with_boxes(variables: Mapping[str, Any], boxes: Float[Array, "*batch n_v 4"]) -> dict[str, Any]:
    """The variables of a `RegionEncoder` with other boxes.

    Args:
      variables: of the encoder, as `region_variables` makes them.
      boxes: (x0, y0, x1, y1) as shares of the width and the height.

    Raises:
      ValueError: the boxes have another shape, lie outside [0, 1], or have no area.
    """
    boxes = jnp.asarray(boxes, jnp.float32)
    if boxes.ndim < 2 or boxes.shape[-1] != 4 or 0 in boxes.shape:
        raise ValueError(f"got boxes of shape {boxes.shape}; wanted [..., n_v, 4] as (x0, y0, x1, y1)")
    if not isinstance(boxes, jax.core.Tracer):
        x0, y0, x1, y1 = np.moveaxis(np.asarray(boxes), -1, 0)
        good = (x0 >= 0) & (y0 >= 0) & (x1 <= 1) & (y1 <= 1) & (x0 < x1) & (y0 < y1)
        if not good.all():
            bad = np.asarray(boxes)[~good][0].tolist()
            raise ValueError(f"got box {bad}; wanted (x0, y0, x1, y1) as shares of the image, x0 < x1 and y0 < y1")
    return {**variables, "regions": {"boxes": boxes}}
