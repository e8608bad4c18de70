"""LRP maps as the published code computes them: the map of each word includes those of all words before it."""

import dataclasses
from typing import ClassVar

import jax.numpy as jnp

from lrp_jax.captions.explain import LRP, Method, method_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunningSum(LRP):
    """The image relevance of word t is the sum over the words 0 to t; the relevance of preceding words is unchanged.

    The published code explains the words of a caption one after the other and does not clear the gradient of the image
    in between. LRP is linear in the relevance of the features, so the sum of the maps is the map of the sum.
    """

    name: ClassVar[str] = "lrp_running_sum"

    def explain(self, asked):
        found = super().explain(asked)
        sums = {part: jnp.cumsum(getattr(found, part), axis=0) for part in ("features", "regions")}
        return dataclasses.replace(found, **sums)


def method_named(method: str | Method) -> Method:
    """The method with this name: one of `lrp_jax.captions.explain`, or "lrp_running_sum"."""
    return RunningSum() if method == RunningSum.name else method_of(method)
