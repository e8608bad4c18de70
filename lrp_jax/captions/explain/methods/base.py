"""What an explanation method is."""

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
    """A way to explain the words of a caption: a frozen record of its settings.

    A subclass says how to explain a caption in the features and words, and how to go on to the pixels; an instance
    of it can then be passed as `method=`.

    Class attributes:
      name: what it is called in records and files.
      rules: the composite of its backward passes; None if it has none.
      contrastive: whether it can explain a word against others.
      enlarges: whether its pixels are only the values of the regions, enlarged.
      batched: whether it can be asked about a batch of images at once; else it is asked about one after the other.
    """

    name: ClassVar[str]
    rules: ClassVar[Composite | None] = None
    contrastive: ClassVar[bool] = True
    enlarges: ClassVar[bool] = False
    batched: ClassVar[bool] = False

    @abc.abstractmethod
    def explain(self, asked: Question) -> Explanation:
        """Explains all words of the question in the features and in the words before; no pixels yet."""

    def to_pixels(self, asked: Question, view: View, explanation: Explanation) -> Float[Array, "T H W 3"]:
        """Takes `explanation`, which is `explain(asked)`, to the pixels; by default the map of the regions."""
        del asked
        return view.enlarge(explanation.regions)

    @property
    def one_way_back(self) -> Composite | None:
        """The rules of the one backward pass to the pixels of the image itself, for methods that have just that."""
        return None

    def refuse_head(self, asked: Question) -> None:
        """For methods that look at values of the model, which a restricted backward pass does not change."""
        if asked.head is not None:
            raise ValueError(
                f"got head={asked.head} for {self.name}, which compares runs of the whole model and cannot go through "
                "one head: leave it None, or use a method with a backward pass, such as lrp"
            )


def at_least(method: Method, name: str, least: int) -> None:
    """Raises ValueError unless the setting is an integer from `least` on."""
    value = getattr(method, name)
    if not isinstance(value, int) or value < least:
        raise ValueError(f"got {name}={value!r} for {method.name}; wanted an integer, at least {least}")
