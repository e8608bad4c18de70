"""The loss of LRP-inference fine-tuning (Eq. 31), and of the arms that it is compared with."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lrp_jax.captions.models import Captioner, greedy, unroll
from lrp_jax.captions.runs.arms import Arm
from lrp_jax.captions.training.losses import cross_entropy
from lrp_jax.captions.training.lrp_inference import predict, weighted_logits, word_weights
from lrp_jax.captions.words import END, PAD, START


def lrp_ift_loss(
    captioner: Captioner,
    params: Any,
    features: Float[Array, "B n_v d_raw"],
    inputs: Int[Array, "B T"],
    targets: Int[Array, "B T"],
    *,
    arm: Arm,
    stop_ids: Sequence[int] = (),
    dropout_rng: PRNGKeyArray | None = None,
) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
    """loss = lambda L(p, y) + (1 - lambda) L(p-hat, y), Eq. 31, L the cross-entropy (or, with a gamma, the focal loss).

    The weights of p-hat are constants, computed in a pass without dropout, because the model that will be used has no
    dropout. In the loss, dropout uses the same mask for p and p-hat, so that the two differ only by the weights. The
    recurrent part runs once, unless word embeddings have dropout too.

    Args:
      captioner, params: the model and its variables.
      features: raw visual features.
      inputs, targets: the input words and the words to predict, as in `Batch`.
      arm: the arm of fine-tuning.
      stop_ids: the labels whose prediction is left unchanged.
      dropout_rng: a key enables dropout.

    Returns:
      The loss, and metrics: "cross_entropy" of p, and if the arm has a p-hat, "reweighted_cross_entropy" of it and
      "reweighted_share", the fraction of words that are re-weighted.
    """
    if arm.inputs == "self_decoded":
        inputs, targets = self_decoded(captioner, params, features, targets)

    def states(rng):
        trace = unroll(captioner, params, features, inputs, dropout_rng=rng, remat=True)
        return jax.tree.map(lambda x: jnp.moveaxis(x, 0, -2), trace.inputs)

    def losses(logits):
        plain = cross_entropy(logits, targets)
        return focal_loss(logits, targets, arm.focal_gamma) if arm.focal_gamma else plain, plain

    drawn = states(dropout_rng)
    logits = predict(captioner, params, drawn, dropout_rng)
    loss, plain = losses(logits)
    figures = {"cross_entropy": plain}
    if not arm.reweights:
        return loss, figures

    still = states(None) if dropout_rng is not None and captioner.embedding_dropout else drawn
    if arm.label == "target":
        labels = targets
    else:
        steady = dropout_rng is None or not (captioner.dropout or captioner.embedding_dropout)
        labels = (logits if steady else predict(captioner, jax.lax.stop_gradient(params), still)).argmax(-1)
    key = None if dropout_rng is None else jax.random.fold_in(dropout_rng, arm.seed)
    weights = word_weights(captioner, params, still, labels, stop_ids, arm, key)
    reweighted = weighted_logits(captioner, params, drawn, weights, logits, dropout_rng)

    reweighted_loss, figures["reweighted_cross_entropy"] = losses(reweighted)
    loss = arm.ce_share * loss + (1 - arm.ce_share) * reweighted_loss
    words = (targets != PAD).astype(loss.dtype)
    figures["reweighted_share"] = (words * ~weights.kept).sum() / jnp.maximum(words.sum(), 1)
    return loss, figures


def focal_loss(logits: Float[Array, "*batch T V"], targets: Int[Array, "*batch T"], gamma: float) -> Float[Array, ""]:
    """The mean of -(1 - p)^gamma log p over all targets that are not padding, p the probability of the target.

    gamma = 0 is `cross_entropy` of logits and targets; the larger gamma, the less weight have words that the model
    predicts with confidence.

    Reference:
      Lin et al., Focal Loss for Dense Object Detection, 2017.
    """
    if gamma == 0:
        return cross_entropy(logits, targets)
    log_p = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], axis=-1)[..., 0]
    # Where p rounds to 1, the derivative would be infinite for a gamma below 1.
    missing = jnp.maximum(-jnp.expm1(log_p), jnp.finfo(log_p.dtype).tiny)
    counts = (targets != PAD).astype(log_p.dtype)
    return -(missing**gamma * log_p * counts).sum() / jnp.maximum(counts.sum(), 1)


def self_decoded(
    captioner: Captioner,
    params: Any,
    features: Float[Array, "B n_v d_raw"],
    targets: Int[Array, "B T"],
) -> tuple[Int[Array, "B T"], Int[Array, "B T"]]:
    """Inputs and targets of fine-tuning on the model's own caption: Eq. 26 taken literally.

    The inputs are the start token and the words of the greedy caption. The target at a position is the reference's
    word at that position; after the end of either caption there is no target. The two captions soon differ, and then
    the target does not continue the input. Therefore teacher forcing is the default.

    Args:
      captioner, params: the model and its variables.
      features: raw visual features.
      targets: the reference captions.

    Returns:
      inputs and targets, without gradients.
    """
    params, features = jax.lax.stop_gradient((params, features))
    said = greedy(captioner, params, features, max_length=targets.shape[-1])
    inputs = jnp.concatenate([jnp.full_like(said[..., :1], START), said[..., :-1]], axis=-1)
    over = (inputs == END) | (inputs == PAD)
    return jnp.where(over, PAD, inputs), jnp.where(over, PAD, targets)
