"""Integrated gradients: the mean gradient along the straight line from zero to the input, times the input."""

import dataclasses
from typing import ClassVar

import numpy as np

from lrp_jax.captions.explain.methods.base import Method, at_least
from lrp_jax.captions.explain.question import propagate
from lrp_jax.core import GRADIENT, Composite


@dataclasses.dataclass(frozen=True, kw_only=True)
class IntegratedGradients(Method):
    """x * integral over a in [0, 1] of the gradient at a x.

    For features and words the path starts at zero for both, and both grow together. For pixels it starts at the
    preprocessed zero, which is the mean colour of the encoder's training images, and the words are fixed.
    Complete up to the error of the quadrature: `features` and `words` together, and `pixels` alone, sum to the score
    minus the score at the start of the path.

    steps: points of the Gauss-Legendre rule, each with one backward pass of all words.

    Example:
      >>> explain_features(captioner, params, features, tokens, IntegratedGradients(steps=64))

    Reference: Sundararajan et al., "Axiomatic attribution for deep networks" (2017).
    """

    name: ClassVar[str] = "integrated_gradients"
    rules: ClassVar[Composite] = GRADIENT
    batched: ClassVar[bool] = True
    steps: int = 32

    def __post_init__(self):
        at_least(self, "steps", 1)

    def _points(self) -> list[tuple[float, float]]:
        """Pairs (a, weight); the weights sum to 1."""
        nodes, weights = np.polynomial.legendre.leggauss(self.steps)
        return [(float(a), float(w)) for a, w in zip((nodes + 1) / 2, weights / 2, strict=True)]

    def explain(self, asked):
        self.refuse_head(asked)
        image = words = 0.0
        for a, weight in self._points():
            found = propagate(asked, self.rules, features=a * asked.features, embeddings=a * asked.embeddings)
            image, words = image + weight * found.image, words + weight * found.embeddings
        scores, attention = asked.scores()
        features = image * asked.features[None]
        return asked.answer(
            self.name,
            logits=scores,
            features=features,
            regions=features.sum(axis=-1),
            words=(words * asked.embeddings[None]).sum(axis=-1),
            betas=attention.beta,
        )

    def to_pixels(self, asked, view, explanation):
        del explanation
        gradient = 0.0
        for a, weight in self._points():
            image = a * view.image
            features = view.encode(image)
            at_features = propagate(asked, self.rules, features=features).image
            gradient = gradient + weight * view.pull_back(self.rules, at_features, asked.words_per_chunk, image)
        return gradient * view.image[None]
