"""Attention weights as an explanation."""

import dataclasses

from lrp_jax.captions.explain.methods.base import Method


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attention(Method):
    """The attention weights: alpha_t of Ada-LSTM (Eq. 8), those of one head of MH-FC, or the mean over its heads.

    visual_share: multiply by 1 - beta_t, which gives each region's actual weight in the context of Eq. 10; for models
      with a sentinel. The method is then called "visual_attention".
    """

    visual_share: bool = False
    contrastive = False
    enlarges = True
    batched = True

    @property
    def name(self) -> str:
        """`"attention"`, or `"visual_attention"` with `visual_share`."""
        return "visual_attention" if self.visual_share else "attention"

    def explain(self, asked):
        logits, (weights, betas) = asked.scores()
        if self.visual_share:
            if betas is None:
                raise ValueError(
                    f"got method {self.name!r} for {type(asked.captioner).__name__}, which has no sentinel and no "
                    "beta: use 'attention'"
                )
            weights = (1 - betas[..., None]) * weights
        if weights.ndim > logits.ndim + 1:  # [T, *B, heads, n_v]
            weights = weights.mean(axis=-2) if asked.head is None else weights[..., asked.head, :]
        return asked.answer(self.name, logits=logits, regions=weights, betas=betas)
