"""Drawing of explanations: heat maps over images, coloured words, HTML reports, figures, and the index of a batch."""

from typing import TYPE_CHECKING, Any

from lrp_jax.captions.render.case import Case, ObjectWord, Sums, sums
from lrp_jax.captions.render.comparison import Comparison
from lrp_jax.captions.render.gallery import Entry, RatedObject, index
from lrp_jax.captions.render.heatmaps import common_scale, maps, overlay
from lrp_jax.captions.render.palettes import GREEN_PURPLE, ORANGE_BLUE, PALETTES, RED_BLUE, Palette
from lrp_jax.captions.render.report import page
from lrp_jax.captions.render.sheet import overlays, sheet
from lrp_jax.captions.render.suspicion import suspicion
from lrp_jax.captions.render.words import Token, context, signed

if TYPE_CHECKING:
    from lrp_jax.captions.render.figure import grid

__all__ = [
    "GREEN_PURPLE",
    "ORANGE_BLUE",
    "PALETTES",
    "RED_BLUE",
    "Case",
    "Comparison",
    "Entry",
    "ObjectWord",
    "Palette",
    "RatedObject",
    "Sums",
    "Token",
    "common_scale",
    "context",
    "grid",
    "index",
    "maps",
    "overlay",
    "overlays",
    "page",
    "sheet",
    "signed",
    "sums",
    "suspicion",
]


def __getattr__(name: str) -> Any:
    # When somebody asks: pages need no matplotlib, which takes a third of a second to import.
    if name != "grid":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lrp_jax.captions.render.figure import grid

    return grid
