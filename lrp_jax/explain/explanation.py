"""One record for what every method says about a caption."""

import dataclasses

from jaxtyping import Array, Float, Int


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Why a captioner said each of the T words of a caption, by one method.

    All methods explain the same words: word t is `tokens[t + 1]`, seen after the input tokens `tokens[: t + 1]`.
    A field that a method has nothing to say about is None.

    Attributes:
      method: its name in `METHODS`.
      tokens: [T + 1], the start token first.
      logits: [T], the logits of the explained words; under LRP the relevance that was distributed.
      features: [T, n_v, d_raw], relevance of, or gradient with respect to, the raw visual features.
      regions: [T, n_v], per region: the sum over channels; the map itself for Grad-CAM; the weights for attention.
      words: [T, T], what input token i has to do with word t: the sum over its embedding, start token included,
        0 where i > t, not normalised.
      betas: [T], the share of the sentinel (Eq. 9), for models that have one.
      pixels: [T, H, W, 3], in the encoder's preprocessed image; its channel mean is the heat map E of Eq. 23.
      grid: (h, w), how the regions lie in the image, where they are cells of a feature map.
      head: the attention head the explanation goes through, or None for all.
    """

    method: str
    tokens: Int[Array, " T1"]
    logits: Float[Array, " T"]
    features: Float[Array, "T n_v d_raw"] | None = None
    regions: Float[Array, "T n_v"] | None = None
    words: Float[Array, "T T"] | None = None
    betas: Float[Array, " T"] | None = None
    pixels: Float[Array, "T H W 3"] | None = None
    grid: tuple[int, int] | None = None
    head: int | None = None
