"""SmoothGrad: the mean gradient over noisy copies of the input."""

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrp_jax.captions.explain.methods.base import Method, at_least
from lrp_jax.captions.explain.question import propagate
from lrp_jax.core import GRADIENT, Composite


@dataclasses.dataclass(frozen=True, kw_only=True)
class SmoothGrad(Method):
    """The mean over `samples` of the gradient at x + noise, not multiplied by the input.

    For features and words, both get noise; for pixels, the image gets noise and the words are fixed.

    samples: noisy copies, each with one backward pass of all words.
    noise: the standard deviation of the Gaussian noise, as a fraction of the range (maximum - minimum) of the
      features, of the image, or of each token's embedding.
    seed: of the noise, which is drawn for each token separately, so that a word's explanation does not depend on
      later words.

    Reference: Smilkov et al., "SmoothGrad" (2017).
    """

    name: ClassVar[str] = "smooth_grad"
    rules: ClassVar[Composite] = GRADIENT
    batched: ClassVar[bool] = True
    samples: int = 32
    noise: float = 0.15
    seed: int = 0

    def __post_init__(self):
        at_least(self, "samples", 1)
        at_least(self, "seed", 0)
        if self.noise < 0:
            raise ValueError(f"got noise={self.noise} for {self.name}; wanted 0 or more")

    def _keys(self, sample: int) -> Array:
        """Three keys: for features, words and pixels."""
        return jax.random.split(jax.random.fold_in(jax.random.key(self.seed), sample), 3)

    def _disturbed(self, add_noise: Callable[..., Array], key: Array, x: Array, rank: int) -> Array:
        """x with noise; each item of a batch gets the noise that it would get alone."""

        def one(x):
            return add_noise(key, x, self.noise)

        return jax.vmap(one)(x) if x.ndim > rank else one(x)

    def explain(self, asked):
        image = words = 0.0
        for sample in range(self.samples):
            features_key, words_key, _ = self._keys(sample)
            found = propagate(
                asked,
                self.rules,
                features=self._disturbed(noisy, features_key, asked.features, rank=2),
                embeddings=self._disturbed(noisy_tokens, words_key, asked.embeddings, rank=2),
            )
            image, words = image + found.image / self.samples, words + found.embeddings / self.samples
        scores, attention = asked.scores()
        return asked.answer(
            self.name,
            logits=scores,
            features=image,
            regions=image.sum(axis=-1),
            words=words.sum(axis=-1),
            betas=attention.beta,
        )

    def to_pixels(self, asked, view, explanation):
        del explanation
        gradient = 0.0
        for sample in range(self.samples):
            image = self._disturbed(noisy, self._keys(sample)[2], view.image, rank=3)
            features = view.encode(image)
            at_features = propagate(asked, self.rules, features=features).image
            pixels = view.pull_back(self.rules, at_features, asked.words_per_chunk, image)
            gradient = gradient + pixels / self.samples
        return gradient


def noisy(key: Array, x: Float[Array, "*n"], fraction: float) -> Float[Array, "*n"]:
    """x with Gaussian noise, its standard deviation `fraction` times the range of x."""
    return x + fraction * (x.max() - x.min()) * jax.random.normal(key, x.shape, x.dtype)


def noisy_tokens(key: Array, embeddings: Float[Array, "T E"], fraction: float) -> Float[Array, "T E"]:
    """Each embedding with noise relative to its own range, from its own key."""
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(len(embeddings)))
    return jax.vmap(lambda k, e: noisy(k, e, fraction))(keys, embeddings)
