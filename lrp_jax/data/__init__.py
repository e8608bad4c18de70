"""Captioned images from wherever they come, and how they reach a model."""

from lrp_jax.data.batches import Batch, CaptionBatches, ImageBatch, ImageBatches, pad_captions, pad_references
from lrp_jax.data.features import Dataset, Features, cached_features, compute_features, dataset_digest, digest
from lrp_jax.data.records import Example, load_image
from lrp_jax.data.sources import json_source, source
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
    "Features",
    "ImageBatch",
    "ImageBatches",
    "Vocabulary",
    "cached_features",
    "compute_features",
    "dataset_digest",
    "digest",
    "json_source",
    "load_image",
    "pad_captions",
    "pad_references",
    "source",
    "tokenize",
]
