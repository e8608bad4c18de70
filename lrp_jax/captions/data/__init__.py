"""Captioned images: sources, batches, features of frozen encoders."""

from lrp_jax.captions.data.augment import flip
from lrp_jax.captions.data.batches import (
    Batch,
    CaptionBatches,
    ImageBatch,
    ImageBatches,
    pad_captions,
    pad_references,
)
from lrp_jax.captions.data.features import (
    FeatureError,
    Features,
    FeatureStore,
    cached_features,
    compute_features,
    dataset_digest,
    digest,
)
from lrp_jax.captions.data.images import LazyImages, Subset, UnreadableImageError, load_all
from lrp_jax.captions.data.sources import Splits, json_source, source

__all__ = [
    "Batch",
    "CaptionBatches",
    "FeatureError",
    "FeatureStore",
    "Features",
    "ImageBatch",
    "ImageBatches",
    "LazyImages",
    "Splits",
    "Subset",
    "UnreadableImageError",
    "cached_features",
    "compute_features",
    "dataset_digest",
    "digest",
    "flip",
    "json_source",
    "load_all",
    "pad_captions",
    "pad_references",
    "source",
]
