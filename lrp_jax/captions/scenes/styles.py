"""The drawing styles of a scene."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from lrp_jax.captions.scenes import outline, paint
from lrp_jax.captions.scenes.world import Scene

STYLES: dict[str, Callable[[Scene, int], np.ndarray]] = {"painted": paint.draw, "outline": outline.outline}
"""Each style and its function of (scene, size), which returns uint8 [size, size, 3]."""


def draw(scene: Scene, size: int = 144, style: str = "painted") -> UInt8[np.ndarray, "size size 3"]:
    """The image of a scene, RGB, uint8 [size, size, 3].

    The same scene has the same geometry at every size and in every style.

    Args:
      scene: the scene graph.
      size: side of the image in pixels, at least 8.
      style: "painted", on which captioners are trained; or "outline", the same scene in ink and hatching, for tests
        of transfer.

    Raises:
      ValueError: the style is unknown, or the size is not a whole number of at least 8.
    """
    if style not in STYLES:
        raise ValueError(f"got style={style!r}, wanted one of {', '.join(STYLES)}")
    return STYLES[style](scene, size)
