"""Grad-CAM, and its product with guided backpropagation."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from lrp_jax.captions.explain.methods.base import Method
from lrp_jax.captions.explain.methods.propagation import GuidedBackprop
from lrp_jax.captions.explain.question import propagate
from lrp_jax.core import GRADIENT, GUIDED_BACKPROP, Composite


@dataclasses.dataclass(frozen=True, kw_only=True)
class GradCAM(Method):
    """Grad-CAM on the projected features I: relu(I w_I), w_I the gradient with respect to I, summed over regions.

    For the words: the plain gradient of their embeddings (section 4).

    Reference: Selvaraju et al., "Grad-CAM" (2017).
    """

    name: ClassVar[str] = "grad_cam"
    rules: ClassVar[Composite] = GRADIENT
    enlarges: ClassVar[bool] = True
    batched: ClassVar[bool] = True

    def explain(self, asked):
        found = propagate(asked, self.rules, at_regions=True)
        weights = found.image.sum(axis=-2)  # w_I [T, *B, H]
        cam = jax.nn.relu(jnp.einsum("t...d,...kd->t...k", weights, found.regions))
        words = found.embeddings.sum(axis=-1)
        return asked.answer(self.name, logits=found.scores, regions=cam, words=words, betas=found.betas)


@dataclasses.dataclass(frozen=True, kw_only=True)
class GuidedGradCAM(Method):
    """Grad-CAM times guided backpropagation: per region for the features, after enlarging for the pixels.

    Reference: Selvaraju et al., "Grad-CAM" (2017), section 3.2.
    """

    name: ClassVar[str] = "guided_grad_cam"
    rules: ClassVar[Composite] = GUIDED_BACKPROP
    batched: ClassVar[bool] = True

    @property
    def backward_rules(self) -> Composite:
        """The composite of guided backpropagation."""
        return self.rules

    def explain(self, asked):
        cam, guided = GradCAM().explain(asked), GuidedBackprop().explain(asked)
        product = cam.regions[..., None] * guided.features
        return dataclasses.replace(cam, method=self.name, features=product, regions=product.sum(axis=-1))

    def to_pixels(self, asked, view, explanation):
        cam, guided = GradCAM().explain(asked), GuidedBackprop().explain(asked)
        return view.enlarge(cam.regions) * GuidedBackprop().to_pixels(asked, view, guided)
