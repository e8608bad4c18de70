"""One record for the results of every method."""

import dataclasses
from typing import Literal

import numpy as np
from jaxtyping import Array, Float, Int

from lrp_jax.captions.words import check_index

_PER_WORD = ("logits", "features", "regions", "words", "betas", "pixels")


@dataclasses.dataclass(frozen=True)
class Explanation:
    """The explanation of each of the T words of a caption, by one method.

    All methods explain the same words: word t is `tokens[t + 1]`, predicted from the input tokens `tokens[: t + 1]`.
    A field that a method does not compute is None.

    Attributes:
      method: its name in `METHODS`.
      tokens: [T + 1], the start token first.
      logits: [T], the explained scores: the logits of the words; with `against` the difference from the logit of the
        other word, or from the weighted mean of the others. Under LRP this is the relevance that was distributed.
      features: [T, n_v, d_raw], relevance of, or gradient with respect to, the raw visual features.
      regions: [T, n_v], per region: the sum over channels; the map itself for Grad-CAM; the weights for attention;
        the drop of the score without the region for occlusion.
      words: [T, T], the relevance of input token i for word t: the sum over its embedding, or the drop of the score
        without it; start token included, 0 where i > t, not normalised.
      betas: [T], the share of the sentinel (Eq. 9), for models that have one.
      pixels: [T, H, W, 3], in the encoder's preprocessed image; its channel mean is the heat map E of Eq. 23. NaN
        for words that were not selected, see `explain_image(rows=...)`.
      enlarged: whether `pixels` are only the values of `regions`, enlarged.
      grid: (h, w), the shape of the feature map, if the regions are its cells.
      boxes: [n_v, 4], the regions' boxes, if they have any: (x0, y0, x1, y1) as fractions of the width and the height.
      head: the attention head the explanation goes through, or None for all.
      against: what each word was explained against: None for the logit alone, the [T] ids of other words (a word
        against itself gives 0), or "rest" for all other words, see `explain_features`.
    """

    method: str
    tokens: Int[Array, " T1"]
    logits: Float[Array, " T"]
    features: Float[Array, "T n_v d_raw"] | None = None
    regions: Float[Array, "T n_v"] | None = None
    words: Float[Array, "T T"] | None = None
    betas: Float[Array, " T"] | None = None
    pixels: Float[Array, "T H W 3"] | None = None
    enlarged: bool = False
    grid: tuple[int, int] | None = None
    boxes: Float[Array, "n_v 4"] | None = None
    head: int | None = None
    against: Int[Array, " T"] | Literal["rest"] | None = None

    def of(self, item: int) -> "Explanation":
        """The explanation of one image of a batch, whose arrays are [T, B, ...] for [T, ...] and tokens [B, T + 1].

        Raises:
          ValueError: there is no such image; -1 is the last.
        """
        item = int(check_index("image", item, len(self.tokens)))
        taken = {name: value[:, item] for name in _PER_WORD if (value := getattr(self, name)) is not None}
        if isinstance(self.against, np.ndarray):
            taken["against"] = self.against[item]
        return dataclasses.replace(self, tokens=self.tokens[item], **taken)

    def first(self, count: int) -> "Explanation":
        """The explanation of the first `count` words, in numpy; no word's explanation depends on later words.

        Raises:
          ValueError: there are not so many.
        """
        if not 0 <= count <= len(self.logits):
            raise ValueError(f"got count={count}; wanted 0 to {len(self.logits)}, as many words as are explained")
        kept = {"tokens": np.asarray(self.tokens)[: count + 1]}
        for name in _PER_WORD:
            if (value := getattr(self, name)) is not None:
                kept[name] = np.asarray(value)[:count]
        if "words" in kept:
            kept["words"] = kept["words"][:, :count]
        if self.against is not None and not isinstance(self.against, str):
            kept["against"] = np.asarray(self.against)[:count]
        return dataclasses.replace(self, **kept)
