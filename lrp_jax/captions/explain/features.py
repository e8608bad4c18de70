"""Explanations of a caption in the visual features and in the preceding words (section 4)."""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Array, Float, Int

from lrp_jax.captions.explain.explanation import Explanation
from lrp_jax.captions.explain.methods import LRP, Method, method_of
from lrp_jax.captions.explain.question import Against, ask
from lrp_jax.captions.models import Captioner
from lrp_jax.core import Composite


def explain_features(
    captioner: Captioner,
    params: Any,
    features: Float[Array, "n_v d_raw"],
    tokens: Int[Array, " T1"],
    method: str | Method = "lrp",
    head: int | None = None,
    *,
    against: Against = None,
    rules: Composite | None = None,
    words_per_chunk: int | None = None,
    boxes: Float[Array, "n_v 4"] | None = None,
) -> Explanation:
    """Explains every word of a caption in the features of one image and in the preceding words.

    Args:
      captioner, params: the model and its variables.
      features: one image's raw visual features, unbatched.
      tokens: the caption: start token, words, an end token or none, padding or none; all but the first are explained.
      method: a name in `METHODS`, or a method with settings of its own such as `IntegratedGradients(steps=64)`.
      head: through this head of MH-FC only, -1 being the last; the path through the LSTM stays in full. Not for
        methods that compare runs of the model (integrated gradients, occlusion).
      against: explain z_t - z_k, the lead of the word's logit over that of another: the id k of one word for all,
        or one id for each, -1 being the last word of the vocabulary. "rest" explains the word against all others,
        z_t - sum_k q_k z_k with q_k = p_k / (1 - p_t) held constant: its derivative is that of log(p_t / (1 - p_t)).
        None explains z_t. Not for attention, which does not depend on the explained word.
      rules: the composite for LRP, in place of the paper's; the other methods have fixed rules.
      words_per_chunk: how many words share one backward pass; fewer take less memory.
      boxes: the regions' boxes in the image, if the features are those of regions: (x0, y0, x1, y1) in [0, 1]; only
        stored in the result.

    Returns:
      An `Explanation` without pixels. Its arrays are float32, or float64 where the features are.

    Raises:
      ValueError: an unknown method, features of a wrong shape, tokens that are no caption of this captioner (the start
        token is missing or comes again, a word follows the end token or padding, an id is outside of the vocabulary), a
        head that the model has not, or a head or contrast that the method cannot single out.

    Example:
      >>> explain_features(captioner, params, features, tokens, "lrp", against="rest").words
    """
    method = resolve(method, rules, against)
    if np.ndim(features) != 2:
        raise ValueError(f"got features of shape {np.shape(features)}; wanted one image's [n_v, d_raw]")
    explanation = method.explain(ask(captioner, params, features, tokens, head, against, words_per_chunk))
    return explanation if boxes is None else dataclasses.replace(explanation, boxes=boxes)


def resolve(method: str | Method, rules: Composite | None, against: Against) -> Method:
    """The method by name or instance, with `rules` in place of its own if it is LRP."""
    method = method_of(method)
    if against is not None and not method.contrastive:
        raise ValueError(
            f"got against={against!r} for {method.name}, which does not depend on the explained word: "
            "leave it None, or use another method"
        )
    if rules is not None and isinstance(method, LRP):
        return dataclasses.replace(method, rules=rules)
    return method
