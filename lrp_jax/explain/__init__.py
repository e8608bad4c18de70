"""Explanations of captions: LRP, gradients, Grad-CAM and attention, as one record."""

from lrp_jax.explain.explanation import Explanation
from lrp_jax.explain.features import METHODS, explain_features
from lrp_jax.explain.image import decode, explain_image, preprocess

__all__ = ["METHODS", "Explanation", "decode", "explain_features", "explain_image", "preprocess"]
