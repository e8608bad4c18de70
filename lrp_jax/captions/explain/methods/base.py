"""The base class of the explanation methods."""

import abc
import dataclasses
from typing import ClassVar

from jaxtyping import Array, Float

from lrp_jax.captions.explain.explanation import Explanation
from lrp_jax.captions.explain.question import Question
from lrp_jax.captions.explain.view import View
from lrp_jax.core import Composite


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method(abc.ABC):
    """An explanation method: a frozen record of its settings.

    A subclass implements `explain`, in the features and words, and if needed `to_pixels`; an instance of it can then
    be passed as `method=`.

    Class attributes:
      name: its name in records and files.
      rules: the composite of its backward passes; None if it has none.
      contrastive: whether it can explain a word against others.
      enlarges: whether its pixels are only the values of the regions, enlarged.
      batched: whether it can explain a batch of images at once; otherwise images are explained one by one.
    """

    name: ClassVar[str]
    rules: ClassVar[Composite | None] = None
    contrastive: ClassVar[bool] = True
    enlarges: ClassVar[bool] = False
    batched: ClassVar[bool] = False

    @abc.abstractmethod
    def explain(self, asked: Question) -> Explanation:
        """Explains all words of the question in the features and in the preceding words, without pixels."""

    def to_pixels(self, asked: Question, view: View, explanation: Explanation) -> Float[Array, "T H W 3"]:
        """The pixels of `explanation`, which is `explain(asked)`; by default the enlarged map of the regions."""
        del asked
        return view.enlarge(explanation.regions)

    @property
    def backward_rules(self) -> Composite | None:
        """The composite of the backward pass through the encoder, for methods with just one, at the image itself."""
        return None

    def refuse_head(self, asked: Question) -> None:
        """Raises ValueError for a head: for methods that compare values, which no restricted backward pass changes."""
        if asked.head is not None:
            raise ValueError(
                f"got head={asked.head} for {self.name}, which compares runs of the whole model and cannot go through "
                "one head: leave it None, or use a method with a backward pass, such as lrp"
            )


def at_least(method: Method, name: str, least: int) -> None:
    """Raises ValueError unless the setting is an integer of at least `least`."""
    value = getattr(method, name)
    if not isinstance(value, int) or value < least:
        raise ValueError(f"got {name}={value!r} for {method.name}; wanted an integer, at least {least}")
