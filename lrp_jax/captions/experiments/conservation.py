"""Conservation: how LRP distributes the score of a word over image, words, biases and epsilon."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lrp_jax.captions.models import Captioner, unroll
from lrp_jax.core import PAPER, Composite, lrp


class Balance(NamedTuple):
    """Sums of relevance for each of T words, all [T].

    score: the logit that is distributed.
    image: sum at the features. words: at the embeddings of the words before. biases: at all biases of the captioner.

    The rest of the score is absorbed by the epsilon of the rules.
    """

    score: Float[np.ndarray, " T"]
    image: Float[np.ndarray, " T"]
    words: Float[np.ndarray, " T"]
    biases: Float[np.ndarray, " T"]

    @property
    def epsilon(self) -> Float[np.ndarray, " T"]:
        """score - image - words - biases."""
        return self.score - self.image - self.words - self.biases


def balance(
    captioner: Captioner,
    params: Any,
    features: Float[Array, "n_v C"],
    tokens: Int[Array, " T1"],
    rules: Composite = PAPER,
) -> Balance:
    """Distributes the logit of every word of a caption over features, preceding words and biases.

    Biases are explained like inputs, because they contribute to the score like inputs.

    Args:
      captioner, params: the model and its variables.
      features: of one image.
      tokens: the caption, start token first.
      rules: the composite.
    """
    leaves, tree = jax.tree.flatten(params)
    biases = {str(i): leaf for i, leaf in enumerate(leaves) if leaf.ndim == 1}
    others = {str(i): leaf for i, leaf in enumerate(leaves) if leaf.ndim != 1}
    found = _sums(captioner, rules, tree, biases, others, jnp.asarray(features), jnp.asarray(tokens))
    return Balance(*map(np.asarray, found))


@functools.partial(jax.jit, static_argnames=("captioner", "rules", "tree"))
def _sums(captioner, rules, tree, biases, others, features, tokens):
    def params_with(biases):
        leaves = biases | others
        return jax.tree.unflatten(tree, [leaves[str(i)] for i in range(len(leaves))])

    def scores(features, embeddings, biases):
        params = params_with(biases)
        trace = unroll(captioner, params, features, embeddings=embeddings)
        return captioner.apply(params, trace.inputs, tokens[1:], method="predict")

    embeddings = captioner.apply(params_with(biases), tokens[:-1], method="embed").astype(features.dtype)
    values, pull = jax.vjp(lrp(scores, rules, argnums=(0, 1, 2)), features, embeddings, biases)

    def sums(seed):
        return tuple(sum(leaf.sum() for leaf in jax.tree.leaves(part)) for part in pull(seed))

    return values, *jax.vmap(sums)(jnp.eye(len(values), dtype=values.dtype))
