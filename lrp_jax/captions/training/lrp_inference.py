"""LRP inference: a second prediction, from features weighted by their relevance for the first (section 5.3.2)."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from lrp_jax.captions.models import Captioner, PredictorInputs, unroll
from lrp_jax.captions.runs.arms import Arm
from lrp_jax.core import GRADIENT_X_INPUT, PAPER, Composite, relevance
from lrp_jax.core.rules import divide

LRP_INFERENCE = Arm()
"""The paper's arm."""


class Reweighted(NamedTuple):
    """Predictions before and after LRP inference.

    Attributes:
      logits: of p.
      reweighted_logits: of p-hat (Eq. 30).
      omega_c, omega_h: weights of the context and of the hidden state (Eqs. 28, 29), from 0 to 2; 1 where the
        prediction is left unchanged. Constants: no gradient flows through them.
    """

    logits: Float[Array, "*batch V"]
    reweighted_logits: Float[Array, "*batch V"]
    omega_c: Float[Array, "*batch H"]
    omega_h: Float[Array, "*batch H"]


class Weights(NamedTuple):
    """The weights that turn p into p-hat.

    Attributes:
      labels: the explained words.
      kept: whether p-hat equals p here, because the label is a stop word.
      c, h: the weights of the context and of the hidden state.
      rise: a number to add to the label's logit, or None.
    """

    labels: Int[Array, "*batch"]
    kept: Bool[Array, "*batch"]
    c: Float[Array, "*batch H"]
    h: Float[Array, "*batch H"]
    rise: Float[Array, "*batch"] | None


def lrp_inference(
    captioner: Captioner,
    params: Any,
    features: Float[Array, "*batch n_v d_raw"],
    tokens: Int[Array, "*batch T+1"],
    stop_ids: Sequence[int] = (),
    *,
    arm: Arm = LRP_INFERENCE,
) -> Reweighted:
    """Algorithm 2 on a given caption.

    Args:
      captioner, params: the model and its variables.
      features: raw visual features.
      tokens: the start token and the caption's T words.
      stop_ids: the labels whose prediction is left unchanged; `words.stop_words.stop_ids` makes them from a vocabulary.
      arm: which weights; the explained label is the argmax (Eq. 27), or with `label="target"` the next word in
        `tokens`.

    Returns:
      (logits, reweighted_logits, omega_c, omega_h), each [*batch, T, ...]. Row t belongs to the word `tokens[t + 1]`.

    Raises:
      ValueError: tokens and features have different batch axes.
    """
    trace = unroll(captioner, params, features, tokens[..., :-1])
    inputs = jax.tree.map(lambda x: jnp.moveaxis(x, 0, -2), trace.inputs)
    labels = tokens[..., 1:] if arm.label == "target" else None
    return reweight(captioner, params, inputs, labels, stop_ids, arm)


def reweight(
    captioner: Captioner,
    params: Any,
    inputs: PredictorInputs,
    labels: Int[Array, "*batch"] | None = None,
    stop_ids: Sequence[int] = (),
    arm: Arm = LRP_INFERENCE,
    *,
    key: PRNGKeyArray | None = None,
) -> Reweighted:
    """Predicts from c + h, and again from c and h weighted by their relevance for the predicted word: Eqs. 27 to 30.

        R(c), R(h) = LRP of the label's logit through fc and c + h
        omega_c = R(c) / max |R(c)| + 1,    omega_h = R(h) / max |R(h)| + 1
        logits of p-hat = fc(omega_c c + omega_h h)

    Args:
      captioner, params: the model and its variables.
      inputs: c and h at each word, each [..., H].
      labels: the words to explain; None for the most likely ones.
      stop_ids: the labels whose prediction is left unchanged.
      arm: which weights; its `label` is ignored here.
      key: for "shuffled"; None uses the arm's seed.

    Returns:
      The predictions [..., V] before and after, and the weights [..., H].
    """
    logits = captioner.apply(params, inputs, method="predict")
    labels = logits.argmax(axis=-1) if labels is None else labels
    weights = word_weights(captioner, params, inputs, labels, stop_ids, arm, key)
    reweighted = weighted_logits(captioner, params, inputs, weights, logits)
    # Weights of 1 give the same logits, but compiled code may round them differently. Training omits this line, because
    # it makes the backward pass of the last layer a third more expensive.
    reweighted = jnp.where(weights.kept[..., None], logits, reweighted)
    return Reweighted(logits, reweighted, weights.c, weights.h)


def word_weights(
    captioner: Captioner,
    params: Any,
    inputs: PredictorInputs,
    labels: Int[Array, "*batch"],
    stop_ids: Sequence[int],
    arm: Arm,
    key: PRNGKeyArray | None = None,
) -> Weights:
    """The weights of an arm, as constants: no gradient flows through them."""
    params, inputs = jax.lax.stop_gradient((params, inputs))
    rules = GRADIENT_X_INPUT if arm.omega == "gradient_x_input" else PAPER
    weights = [1 + _normalised(r) for r in predictor_relevance(captioner, params, inputs, labels, rules)]
    if arm.omega == "shuffled":
        keys = jax.random.split(jax.random.key(arm.seed) if key is None else key)
        shuffle = jax.random.permutation
        weights = [shuffle(k, w, axis=-1, independent=True) for k, w in zip(keys, weights, strict=True)]
    omega_c, omega_h = weights
    kept = (labels[..., None] == jnp.asarray(stop_ids, labels.dtype)).any(axis=-1)
    omega_c = jnp.where(kept[..., None] | (arm.parts == "h"), 1, omega_c)
    omega_h = jnp.where(kept[..., None] | (arm.parts == "c"), 1, omega_h)
    if arm.omega != "uniform":
        return Weights(labels, kept, omega_c, omega_h, None)
    before = captioner.apply(params, inputs, labels, method="predict")
    after = captioner.apply(params, PredictorInputs(omega_c * inputs.c, omega_h * inputs.h), labels, method="predict")
    return Weights(labels, kept, jnp.ones_like(omega_c), jnp.ones_like(omega_h), after - before)


def weighted_logits(
    captioner: Captioner,
    params: Any,
    inputs: PredictorInputs,
    weights: Weights,
    logits: Float[Array, "*batch V"],
    dropout_rng: PRNGKeyArray | None = None,
) -> Float[Array, "*batch V"]:
    """The logits of p-hat, Eq. 30.

    Args:
      captioner, params, inputs: as for `reweight`.
      weights: of the words.
      logits: of p.
      dropout_rng: the key that `logits` were predicted with, so that the weighted sum has the same dropout mask.
    """
    if weights.rise is not None:
        return logits + weights.rise[..., None] * jax.nn.one_hot(weights.labels, logits.shape[-1], dtype=logits.dtype)
    weighted = PredictorInputs(weights.c * inputs.c, weights.h * inputs.h)
    return predict(captioner, params, weighted, dropout_rng)


def predict(
    captioner: Captioner,
    params: Any,
    inputs: PredictorInputs,
    dropout_rng: PRNGKeyArray | None = None,
) -> Float[Array, "*batch V"]:
    """fc(c + h), with dropout if there is a key."""
    rngs = None if dropout_rng is None else {"dropout": dropout_rng}
    return captioner.apply(params, inputs, deterministic=dropout_rng is None, method="predict", rngs=rngs)


def predictor_relevance(
    captioner: Captioner,
    params: Any,
    inputs: PredictorInputs,
    labels: Int[Array, "*batch"],
    rules: Composite = PAPER,
) -> PredictorInputs:
    """R(c) and R(h): the relevance of each element of the context and of the hidden state for the labels' logits.

    Line 3 of Algorithm 2. Only the labels' columns of fc are read.

    Args:
      captioner, params: the model and its variables.
      inputs: c and h at each word, each [..., H].
      labels: the words to explain.
      rules: the composite.
    """

    def logit(inputs):
        return captioner.apply(params, inputs, labels, method="predict")

    return relevance(logit, rules)(inputs)[1]


def reweighted_predict(
    captioner: Captioner, arm: Arm = LRP_INFERENCE, stop_ids: Sequence[int] = ()
) -> "ReweightedPredict":
    """The function (params, inputs) -> logits of p-hat, for decoding with it and for SCST (Eq. 32).

    It holds the captioner, the arm and the labels whose prediction is left unchanged (`stop_ids`). It is hashable, and
    equal for equal arguments, so it can be a static argument of a jitted function. For an arm without LRP inference
    (ce_share=1) it predicts p.

    Raises:
      ValueError: the arm explains the target, which does not exist in decoding.
    """
    if arm.label == "target":
        raise ValueError("got an arm with label='target'; decoding has no target: wanted label='argmax'")
    return ReweightedPredict(captioner, arm, tuple(map(int, stop_ids)))


@dataclasses.dataclass(frozen=True)
class ReweightedPredict:
    """The result of `reweighted_predict`."""

    captioner: Captioner
    arm: Arm
    stop_ids: tuple[int, ...]

    def __call__(
        self,
        params: Any,
        inputs: PredictorInputs,
        dropout_rng: PRNGKeyArray | None = None,
    ) -> Float[Array, "*batch V"]:
        logits = predict(self.captioner, params, inputs, dropout_rng)
        if not self.arm.reweights:
            return logits
        # As in fine-tuning, the weights come from the pass without dropout.
        steady = logits if dropout_rng is None else predict(self.captioner, jax.lax.stop_gradient(params), inputs)
        weights = word_weights(self.captioner, params, inputs, steady.argmax(axis=-1), self.stop_ids, self.arm)
        return weighted_logits(self.captioner, params, inputs, weights, logits, dropout_rng)


def _normalised(r: Float[Array, "*batch H"]) -> Float[Array, "*batch H"]:
    """R / max |R|, from -1 to 1; 0 where all of R is 0."""
    return divide(r, jnp.abs(r).max(axis=-1, keepdims=True))
