"""The explanation methods, and the registry of their names."""

import types
from collections.abc import Mapping

from lrp_jax.captions.explain.methods.attention import Attention
from lrp_jax.captions.explain.methods.base import Method
from lrp_jax.captions.explain.methods.grad_cam import GradCAM, GuidedGradCAM
from lrp_jax.captions.explain.methods.integrated_gradients import IntegratedGradients
from lrp_jax.captions.explain.methods.occlusion import Occlusion
from lrp_jax.captions.explain.methods.propagation import LRP, Gradient, GradientXInput, GuidedBackprop, Propagation
from lrp_jax.captions.explain.methods.smooth_grad import SmoothGrad

__all__ = [
    "LRP",
    "METHODS",
    "Attention",
    "GradCAM",
    "Gradient",
    "GradientXInput",
    "GuidedBackprop",
    "GuidedGradCAM",
    "IntegratedGradients",
    "Method",
    "Occlusion",
    "Propagation",
    "SmoothGrad",
    "method_of",
]

_DEFAULTS = (
    LRP(),
    Gradient(),
    GradientXInput(),
    GuidedBackprop(),
    GradCAM(),
    GuidedGradCAM(),
    Attention(),
    Attention(visual_share=True),
    IntegratedGradients(),
    SmoothGrad(),
    Occlusion(),
)

METHODS: Mapping[str, Method] = types.MappingProxyType({method.name: method for method in _DEFAULTS})
"""Name -> the method with its default settings."""


def method_of(method: str | Method) -> Method:
    """The method with this name, or the method itself.

    Raises:
      ValueError: an unknown name.
      TypeError: neither a name nor a method.
    """
    if isinstance(method, Method):
        return method
    if not isinstance(method, str):
        raise TypeError(f"got method={method!r}; wanted a name, or a method with settings such as LRP(rules=...)")
    if method not in METHODS:
        raise ValueError(f"got method={method!r}; wanted one of {', '.join(METHODS)}")
    return METHODS[method]
