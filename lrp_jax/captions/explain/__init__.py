"""Explanations of captions by many methods, as one record."""

from lrp_jax.captions.explain.explanation import Explanation
from lrp_jax.captions.explain.features import explain_features
from lrp_jax.captions.explain.image import decode, explain_image, explain_images, explain_view, preprocess
from lrp_jax.captions.explain.methods import (
    LRP,
    METHODS,
    Attention,
    GradCAM,
    Gradient,
    GradientXInput,
    GuidedBackprop,
    GuidedGradCAM,
    IntegratedGradients,
    Method,
    Occlusion,
    Propagation,
    SmoothGrad,
    method_of,
)
from lrp_jax.captions.explain.question import Question
from lrp_jax.captions.explain.view import View

__all__ = [
    "LRP",
    "METHODS",
    "Attention",
    "Explanation",
    "GradCAM",
    "Gradient",
    "GradientXInput",
    "GuidedBackprop",
    "GuidedGradCAM",
    "IntegratedGradients",
    "Method",
    "Occlusion",
    "Propagation",
    "Question",
    "SmoothGrad",
    "View",
    "decode",
    "explain_features",
    "explain_image",
    "explain_images",
    "explain_view",
    "method_of",
    "preprocess",
]
