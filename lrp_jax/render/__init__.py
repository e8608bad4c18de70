"""What people look at: heat maps over pictures, coloured words, the HTML report, figures, and the files of a batch."""

from lrp_jax.render.batch import (
    EMPTY,
    EXPLAINED,
    FAILED,
    SKIPPED,
    Done,
    Outcome,
    Picture,
    explain_batch,
    one_line,
    presentable,
    read_pixels,
)
from lrp_jax.render.case import Case, ObjectWord, Sums, sums
from lrp_jax.render.comparison import Comparison
from lrp_jax.render.gallery import Entry, RatedObject, index
from lrp_jax.render.grid import grid
from lrp_jax.render.heatmaps import common_scale, maps, overlay
from lrp_jax.render.naming import folders
from lrp_jax.render.palettes import GREEN_PURPLE, ORANGE_BLUE, PALETTES, RED_BLUE, Palette
from lrp_jax.render.pictures import SUFFIXES, pictures_at
from lrp_jax.render.record import record
from lrp_jax.render.report import page
from lrp_jax.render.sheet import overlays, sheet
from lrp_jax.render.suspicion import suspicion
from lrp_jax.render.words import Token, context, signed
from lrp_jax.render.writers import FORMATS, finished, write, write_index

__all__ = [
    "EMPTY",
    "EXPLAINED",
    "FAILED",
    "FORMATS",
    "GREEN_PURPLE",
    "ORANGE_BLUE",
    "PALETTES",
    "RED_BLUE",
    "SKIPPED",
    "SUFFIXES",
    "Case",
    "Comparison",
    "Done",
    "Entry",
    "ObjectWord",
    "Outcome",
    "Palette",
    "Picture",
    "RatedObject",
    "Sums",
    "Token",
    "common_scale",
    "context",
    "explain_batch",
    "finished",
    "folders",
    "grid",
    "index",
    "maps",
    "one_line",
    "overlay",
    "overlays",
    "page",
    "pictures_at",
    "presentable",
    "read_pixels",
    "record",
    "sheet",
    "signed",
    "sums",
    "suspicion",
    "write",
    "write_index",
]
