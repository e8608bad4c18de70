"""What people look at: heat maps over pictures, coloured words, the HTML report, and the files of a batch."""

from lrp_jax.render.batch import Outcome, Picture, explain_batch, one_line, presentable
from lrp_jax.render.case import Case, Sums, sums
from lrp_jax.render.compare import comparison_page
from lrp_jax.render.comparison import Comparison
from lrp_jax.render.heatmaps import RED_BLUE, Palette, common_scale, maps, overlay
from lrp_jax.render.naming import folders
from lrp_jax.render.pictures import SUFFIXES, pictures_at
from lrp_jax.render.record import record
from lrp_jax.render.report import Entry, index, page
from lrp_jax.render.sheet import overlays, sheet
from lrp_jax.render.words import Token, context, signed
from lrp_jax.render.writers import FORMATS, finished, write, write_index

__all__ = [
    "FORMATS",
    "RED_BLUE",
    "SUFFIXES",
    "Case",
    "Comparison",
    "Entry",
    "Outcome",
    "Palette",
    "Picture",
    "Sums",
    "Token",
    "common_scale",
    "comparison_page",
    "context",
    "explain_batch",
    "finished",
    "folders",
    "index",
    "maps",
    "one_line",
    "overlay",
    "overlays",
    "page",
    "pictures_at",
    "presentable",
    "record",
    "sheet",
    "signed",
    "sums",
    "write",
    "write_index",
]
