"""What the experiments measure, on numpy arrays and strings."""

from lrp_jax.data.objects import Mention, mentions
from lrp_jax.metrics.captions import cider
from lrp_jax.metrics.localisation import box_mask, correctness, covered_share
from lrp_jax.metrics.objects import NamedObjects, named_objects
from lrp_jax.metrics.uncertainty import Estimate, bootstrap_interval, nested_bootstrap, weighted_mean

__all__ = [
    "Estimate",
    "Mention",
    "NamedObjects",
    "bootstrap_interval",
    "box_mask",
    "cider",
    "correctness",
    "covered_share",
    "mentions",
    "named_objects",
    "nested_bootstrap",
    "weighted_mean",
]
