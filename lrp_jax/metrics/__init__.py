"""What the experiments measure, on numpy arrays and strings."""

from lrp_jax.metrics.captions import cider
from lrp_jax.metrics.localisation import box_mask, correctness, covered_share
from lrp_jax.metrics.objects import Mention, NamedObjects, mentions, named_objects
from lrp_jax.metrics.uncertainty import bootstrap_interval

__all__ = [
    "Mention",
    "NamedObjects",
    "bootstrap_interval",
    "box_mask",
    "cider",
    "correctness",
    "covered_share",
    "mentions",
    "named_objects",
]
