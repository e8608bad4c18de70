"""Objectives: (weights, batch, key, constants) -> (sum, count, metrics); the loss is sum / count.

Sum and count are separate, so that a batch can be processed in parts and still give the loss of the whole. `weights`
are (the captioner's variables, the encoder's trained parameters or None); the key is for dropout and sampling;
constants are arrays that never change and are too large to be compiled into the program.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lrp_jax.captions import models
from lrp_jax.captions.models import Captioner, Preprocessing
from lrp_jax.captions.runs.arms import Arm
from lrp_jax.captions.training.fine_tuning import lrp_ift_loss
from lrp_jax.captions.training.losses import cross_entropy
from lrp_jax.captions.training.scst import self_critical_loss
from lrp_jax.captions.words import PAD

Metrics = dict[str, Float[Array, ""]]
Objective = Callable[[Any, Any, PRNGKeyArray, Any], tuple[Float[Array, ""], Float[Array, ""], Metrics]]


def words_in(targets: Int[Array, "*batch T"]) -> Float[Array, ""]:
    """The number of targets that are not padding."""
    return (targets != PAD).sum().astype(jnp.float32)


def cross_entropy_objective(captioner: Captioner, *, own_words: float = 0.0) -> Objective:
    """Eq. 17 on the teacher-forced captions, with dropout.

    Args:
      captioner: the model.
      own_words: scheduled sampling: the fraction of input words that are replaced by words drawn from the model's
        teacher-forced prediction at their position (two passes, no loop over the words).

    Reference: Bengio et al., "Scheduled sampling" (2015); in two passes: Mihaylova and Martins (2019).
    """

    def objective(weights, batch, key, constants=None):
        params, _ = weights
        inputs = batch.inputs
        if own_words:
            inputs = _with_own_words(captioner, params, batch, own_words, jax.random.fold_in(key, 1))
        logits = models.logits(captioner, params, batch.features, inputs, dropout_rng=key)
        count = words_in(batch.targets)
        return cross_entropy(logits, batch.targets) * count, count, {}

    return objective


def _with_own_words(captioner, params, batch, share, key):
    which, draw = jax.random.split(key)
    logits = models.logits(captioner, params, batch.features, batch.inputs)
    said = jax.random.categorical(draw, jax.lax.stop_gradient(logits))
    # The word drawn at position t is the input at t + 1; the start token and padding are kept.
    own = jnp.concatenate([batch.inputs[:, :1], said[:, :-1].astype(batch.inputs.dtype)], axis=1)
    replaced = jax.random.bernoulli(which, share, own.shape) & (batch.inputs != PAD)
    return jnp.where(replaced.at[:, 0].set(False), own, batch.inputs)


def with_encoder(
    objective: Objective,
    encoder: nn.Module,
    fixed: Mapping[str, Any],
    preprocessing: Preprocessing,
    *,
    jitter: float = 0.0,
) -> Objective:
    """The same objective on images, uint8 [B, H, W, 3], whose encoder is trained too.

    Args:
      objective: on features.
      encoder: images -> features.
      fixed: the encoder's collections that are not trained (statistics of norms, boxes).
      preprocessing: of the images.
      jitter: brightness and contrast of each image are multiplied by factors from [1 - jitter, 1 + jitter].
    """

    def of_images(weights, batch, key, constants=None):
        _, params = weights
        images = preprocessing(batch.features)
        if jitter:
            images = _jittered(images, jitter, jax.random.fold_in(key, 2))
        features = encoder.apply({**fixed, "params": params}, images)
        features = features.reshape(len(features), -1, features.shape[-1])
        return objective(weights, batch._replace(features=features), key, constants)

    return of_images


def _jittered(images: Float[Array, "B H W 3"], jitter: float, key: PRNGKeyArray) -> Float[Array, "B H W 3"]:
    """Brightness scales each preprocessed image, contrast its deviation from the image's mean."""
    brightness, contrast = 1 + jitter * jax.random.uniform(key, (2, len(images), 1, 1, 1), minval=-1, maxval=1)
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    return brightness * (mean + contrast * (images - mean))


def in_bfloat16(objective: Objective) -> Objective:
    """The same objective computed in bfloat16; weights, gradients, losses and the optimiser stay float32."""

    def half(tree):
        return jax.tree.map(lambda x: x.astype(jnp.bfloat16) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree)

    def computed(weights, batch, key, constants=None):
        total, count, metrics = objective(half(weights), half(batch), key, constants)
        return total.astype(jnp.float32), count, metrics

    return computed


def lrp_ift_objective(captioner: Captioner, arm: Arm, stop_ids: Sequence[int]) -> Objective:
    """Eq. 31, or the variant given by the arm; see `lrp_ift_loss`."""

    def objective(weights, batch, key, constants=None):
        params, _ = weights
        loss, metrics = lrp_ift_loss(
            captioner,
            params,
            batch.features,
            batch.inputs,
            batch.targets,
            arm=arm,
            stop_ids=stop_ids,
            dropout_rng=key,
        )
        count = words_in(batch.targets)
        return loss * count, count, metrics

    return objective


def self_critical_objective(captioner: Captioner, **options: Any) -> Objective:
    """Eq. 18, or with `predict` Eq. 32, on batches of images; its constants are the `Frequencies` of the reward.

    The options are those of `self_critical_loss`.
    """

    def objective(weights, batch, key, constants=None):
        params, _ = weights
        loss, metrics = self_critical_loss(
            captioner, params, batch.features, batch.references, constants, key, **options
        )
        captions = len(batch.references) * options.get("samples", 1)
        count = captions * (metrics["length"] if options.get("mean_over", "words") == "words" else 1.0)
        count = jnp.asarray(count, loss.dtype)
        return loss * count, count, metrics

    return objective
