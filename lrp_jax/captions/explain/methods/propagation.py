"""Methods that are one backward pass under a composite: LRP, gradients, guided backpropagation."""

import dataclasses
from typing import ClassVar

from lrp_jax.captions.explain.methods.base import Method
from lrp_jax.captions.explain.question import propagate
from lrp_jax.core import GRADIENT, GRADIENT_X_INPUT, GUIDED_BACKPROP, PAPER, Composite


@dataclasses.dataclass(frozen=True, kw_only=True)
class Propagation(Method):
    """One backward pass for each word under `rules`: to the features and words, and on to the pixels."""

    batched: ClassVar[bool] = True

    @property
    def backward_rules(self) -> Composite:
        """The method's composite."""
        return self.rules

    def explain(self, asked):
        found = propagate(asked, self.rules)
        return asked.answer(
            self.name,
            logits=found.scores,
            features=found.image,
            regions=found.image.sum(axis=-1),
            words=found.embeddings.sum(axis=-1),
            betas=found.betas,
        )

    def to_pixels(self, asked, view, explanation):
        return view.pull_back(self.rules, explanation.features, asked.words_per_chunk)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LRP(Propagation):
    """Layer-wise relevance propagation (Algorithm 1), by default under the paper's rules.

    rules: the composite.

    Example:
      >>> explain_features(captioner, params, features, tokens, LRP(rules=EpsilonPlus))

    Reference: Sun et al., "Explain and improve" (2022), section 4; Bach et al. (2015).
    """

    name: ClassVar[str] = "lrp"
    rules: Composite = PAPER


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gradient(Propagation):
    """The gradient of the score, not multiplied by the input (Simonyan et al., 2014)."""

    name: ClassVar[str] = "gradient"
    rules: ClassVar[Composite] = GRADIENT


@dataclasses.dataclass(frozen=True, kw_only=True)
class GradientXInput(Propagation):
    """The gradient of the score times the input (Shrikumar et al., 2016)."""

    name: ClassVar[str] = "gradient_x_input"
    rules: ClassVar[Composite] = GRADIENT_X_INPUT


@dataclasses.dataclass(frozen=True, kw_only=True)
class GuidedBackprop(Propagation):
    """The gradient with a second rectification at each ReLU (Springenberg et al., 2015).

    The rectification is not linear: against another word, it is one backward pass from the difference of the logits,
    not the difference of two backward passes.
    """

    name: ClassVar[str] = "guided_backprop"
    rules: ClassVar[Composite] = GUIDED_BACKPROP
