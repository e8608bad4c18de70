"""Captioned images from wherever they come, and how they reach a model."""

from lrp_jax.data.augment import flip
from lrp_jax.data.batches import Batch, CaptionBatches, ImageBatch, ImageBatches, pad_captions, pad_references
from lrp_jax.data.features import (
    FeatureError,
    Features,
    FeatureStore,
    cached_features,
    compute_features,
    dataset_digest,
    digest,
)
from lrp_jax.data.images import LazyImages, Subset, UnreadableImageError, load_all
from lrp_jax.data.records import Dataset, Example, load_image
from lrp_jax.data.sources import Splits, json_source, source
from lrp_jax.data.tokens import tokenize
from lrp_jax.data.vocabulary import END, PAD, START, UNK, Vocabulary

__all__ = [
    "END",
    "PAD",
    "START",
    "UNK",
    "Batch",
    "CaptionBatches",
    "Dataset",
    "Example",
    "FeatureError",
    "FeatureStore",
    "Features",
    "ImageBatch",
    "ImageBatches",
    "LazyImages",
    "Splits",
    "Subset",
    "UnreadableImageError",
    "Vocabulary",
    "cached_features",
    "compute_features",
    "dataset_digest",
    "digest",
    "flip",
    "json_source",
    "load_all",
    "load_image",
    "pad_captions",
    "pad_references",
    "source",
    "tokenize",
]
