"""The ways to draw a scene."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from lrp_jax.captions.scenes import outline, paint
from lrp_jax.captions.scenes.world import Scene

STYLES: dict[str, Callable[[Scene, int], np.ndarray]] = {"painted": paint.draw, "outline": outline.outline}


def draw(scene: Scene, size: int = 144, style: str = "painted") -> UInt8[np.ndarray, "size size 3"]:
    """Returns the picture of a scene, RGB, uint8 [size, size, 3].

    The same scene has the same geometry at every size and in every style.

    Args:
      scene: what is drawn.
      size: side of the picture in pixels, at least 8.
      style: "painted", what captioners are trained on; or "outline", the same in ink and hatching, for tests of
        transfer.
    """
    if style not in STYLES:
        raise ValueError(f"got style={style!r}, wanted one of {', '.join(STYLES)}")
    return STYLES[style](scene, size)
