"""The measures of the experiments, on NumPy arrays and strings."""

from lrp_jax.captions.metrics.captions import cider
from lrp_jax.captions.metrics.localisation import box_mask, correctness, covered_share
from lrp_jax.captions.metrics.objects import NamedObjects, named_objects
from lrp_jax.captions.metrics.uncertainty import Estimate, bootstrap_interval, nested_bootstrap, weighted_mean
from lrp_jax.captions.words.objects import Mention, mentions

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
