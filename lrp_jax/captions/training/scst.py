"""Self-critical sequence training: samples captions and rewards those that score above a baseline."""

from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lrp_jax.captions import models
from lrp_jax.captions.metrics.cider_tokens import Frequencies, cider_d
from lrp_jax.captions.models import Captioner
from lrp_jax.captions.models.decoding import Greedy, Predict, Sample, Wording
from lrp_jax.captions.models.decoding.wording import FREE
from lrp_jax.captions.training.lrp_inference import predict as predict_words
from lrp_jax.captions.words import PAD, START


def self_critical_loss(
    captioner: Captioner,
    params: Any,
    features: Float[Array, "B n_v d_raw"],
    references: Int[Array, "B R M"],
    frequencies: Frequencies,
    key: Array,
    *,
    baseline: Literal["greedy", "leave_one_out"] = "greedy",
    samples: int = 1,
    max_length: int = 20,
    dropout: bool = True,
    mean_over: Literal["words", "captions"] = "words",
    wording: Wording = FREE,
    predict: Predict | None = None,
) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
    """A loss whose gradient is that of -E[CIDEr-D of a caption drawn from the model] (Eq. 18), in expectation.

    Captions are sampled; the reward of each is its CIDEr-D, and the baseline does not depend on it. The loss is
    -(reward - baseline) log p(caption), where p is the distribution that the caption was sampled from. One program
    without a callback: jit it with `captioner` and everything from `baseline` on as static arguments.

    Args:
      captioner, params: the model and its variables.
      features: raw visual features, one entry per image.
      references: the captions of each image, from `pad_references`.
      frequencies: of the training captions, see `document_frequencies`.
      key: for sampling and dropout.
      baseline: "greedy", the reward of the greedy caption without dropout; or "leave_one_out", the mean reward of the
        image's other samples, which needs no further captions.
      samples: captions sampled for each image.
      max_length: the maximum number of tokens of a caption, the end token included.
      dropout: whether captions are sampled with dropout before the last layer (not of embeddings), as in the published
        code. Each caption has one mask for all its words, the same for sampling and for log p.
      mean_over: "words" gives all sampled words the same weight, as in the published code: the shorter the captions of
        a batch, the larger its step. With "captions" the gradient is exactly unbiased, and larger by a factor of about
        the number of words in a caption.
      wording: restrictions on the words; the allowed words have probability 1 in total.
      predict: `predict(params, inputs) -> logits`, used in place of the captioner's own wherever logits are needed:
        with the re-weighted prediction of Eq. 30 this is Eq. 32. With dropout it is also called with the keyword
        `dropout_rng`, and the same key must give the same mask.

    Returns:
      The loss, and "reward" (mean of the samples), "baseline" (mean) and "length" (words, the end token included).

    Raises:
      ValueError: an unknown baseline or mean, or too few samples.

    Reference:
      Rennie et al., Self-critical sequence training for image captioning, CVPR 2017. Leave-one-out: Kool et al., Buy 4
      REINFORCE samples, get a baseline for free!, 2019. The mean over words as in ruotianluo/self-critical.pytorch and
      the code of the paper's authors.
    """
    least = {"greedy": 1, "leave_one_out": 2}
    if baseline not in least:
        raise ValueError(f"got baseline={baseline!r}; wanted one of {', '.join(least)}")
    if samples < least[baseline]:
        raise ValueError(f"got samples={samples}; wanted at least {least[baseline]} for baseline={baseline!r}")
    if mean_over not in ("words", "captions"):
        raise ValueError(f"got mean_over={mean_over!r}; wanted words or captions")
    draw_key, dropout_key = jax.random.split(key)
    if predict is None:
        predict = partial(predict_words, captioner)
    predict_drawn = partial(predict, dropout_rng=dropout_key) if dropout else predict

    # The sampled words are constants: no gradient flows through them.
    frozen, seen = jax.lax.stop_gradient((params, features))
    sampler = Sample(count=samples, max_length=max_length, wording=wording)
    drawn = sampler(captioner, frozen, seen, draw_key, predict_drawn).tokens
    everything = drawn
    if baseline == "greedy":
        best = Greedy(max_length=max_length, wording=wording)(captioner, frozen, seen, predict=predict).tokens
        everything = jnp.concatenate([drawn, best], axis=1)
    scores = cider_d(everything, references[:, None], frequencies)

    rewards = scores[:, :samples]
    if baseline == "greedy":
        compared = scores[:, samples:]
    else:
        compared = (rewards.sum(axis=1, keepdims=True) - rewards) / (samples - 1)
    log_p = caption_log_p(captioner, params, features, drawn, wording=wording, predict=predict_drawn)
    said = drawn != PAD
    weighted = (rewards - compared)[..., None].astype(log_p.dtype) * log_p
    loss = -weighted.sum() / (said.sum() if mean_over == "words" else rewards.size)
    return loss, {"reward": rewards.mean(), "baseline": compared.mean(), "length": said.sum(axis=-1).mean()}


def caption_log_p(
    captioner: Captioner,
    params: Any,
    features: Float[Array, "B n_v d_raw"],
    tokens: Int[Array, "B n L"],
    *,
    wording: Wording = FREE,
    predict: Predict | None = None,
) -> Float[Array, "B n L"]:
    """log p of each word of n captions of each image, teacher-forced; 0 for padding.

    p is the distribution of `Sample`: words that `wording` forbids have probability 0, the others sum to 1.

    Args:
      captioner, params, features: the model and the images; the captions of an image share its regions.
      tokens: the words after the start token, the end token if there is one, then padding.
      wording, predict: as for sampling the captions.
    """
    if predict is None:
        predict = partial(predict_words, captioner)
    tokens = jnp.asarray(tokens)
    inputs = jnp.concatenate([jnp.full_like(tokens[..., :1], START), tokens[..., :-1]], axis=-1)

    def states(words):
        trace = models.unroll(captioner, params, features, words, remat=True)
        return trace.inputs

    read = jax.vmap(states, in_axes=1, out_axes=2)(inputs)  # c and h, [L, B, n, H]
    # Predicts word by word, with the shapes of decoding, so that the dropout masks are the same.
    logits = jax.vmap(partial(predict, params))(read)
    positions = jnp.arange(tokens.shape[-1])
    forbidden = jax.vmap(lambda t: wording.forbidden(tokens, t, logits.shape[-1]))(positions)
    words = jnp.moveaxis(tokens, -1, 0)
    chosen = jnp.take_along_axis(logits, words[..., None], axis=-1)[..., 0]
    log_p = chosen - jax.nn.logsumexp(jnp.where(forbidden, -jnp.inf, logits), axis=-1)
    return jnp.moveaxis(jnp.where(words == PAD, 0, log_p), 0, -1)
