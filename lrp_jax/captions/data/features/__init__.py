"""Cached features of a frozen encoder.

An encoder that is not trained gives the same features in every epoch. They are computed once, in one pass over the
images, and kept in memory, or in a folder from which they are read during training.
"""

from lrp_jax.captions.data.features.cache import cached_features
from lrp_jax.captions.data.features.digests import dataset_digest, digest
from lrp_jax.captions.data.features.encoding import Encode, compute_features
from lrp_jax.captions.data.features.features import FeatureError, Features
from lrp_jax.captions.data.features.listing import Listed, list_images
from lrp_jax.captions.data.features.store import FeatureStore

__all__ = [
    "Encode",
    "FeatureError",
    "FeatureStore",
    "Features",
    "Listed",
    "cached_features",
    "compute_features",
    "dataset_digest",
    "digest",
    "list_images",
]
