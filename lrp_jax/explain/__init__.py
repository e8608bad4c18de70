"""Explanations of captions: LRP, gradients, Grad-CAM and attention, as one record."""

from lrp_jax.explain.explanation import Explanation
from lrp_jax.explain.features import METHODS, composite_of, explain_features
from lrp_jax.explain.image import decode, explain_image, preprocess

__all__ = ["METHODS", "Explanation", "composite_of", "decode", "explain_features", "explain_image", "preprocess"]
