"""One image of an experiment: what the captioner says of it, and why, worked out when somebody asks."""

import functools
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8

from lrp_jax.captions.data.domain import Domain
from lrp_jax.captions.experiments.heat_maps import heat_maps
from lrp_jax.captions.experiments.running_sum import method_named
from lrp_jax.captions.explain import Explanation, GradCAM, GuidedBackprop, GuidedGradCAM, Method, View
from lrp_jax.captions.images import Dataset, Example
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.scenes import Scene
from lrp_jax.captions.words import START
from lrp_jax.captions.words.objects import Mention, mentions


class Case:
    """An image with the caption that the captioner gave it.

    Experiments that run together share a case, and with it its explanations.

    Attributes:
      index: of the image in its dataset.
      example: its record.
      pixels: at the size that the encoder sees; None where features come from elsewhere.
      features: what the captioner sees.
      caption: the ids of the words, without start and end token.
      speaker, domain: what captioned it, and what its words mean.
      dataset: where the image is from.
    """

    def __init__(
        self,
        index: int,
        example: Example,
        pixels: UInt8[np.ndarray, "H W 3"] | None,
        features: Float[np.ndarray, "n_v C"],
        caption: Int[np.ndarray, " T"],
        speaker: Speaker,
        domain: Domain,
        dataset: Dataset | None = None,
    ):
        self.index, self.example, self.pixels, self.features, self.caption = index, example, pixels, features, caption
        self.speaker, self.domain, self.dataset = speaker, domain, dataset
        self._explanations: dict[tuple[Method, int | None], Explanation] = {}
        self._heat_maps: dict[tuple[Method, int | None, tuple[int, ...]], np.ndarray] = {}

    @functools.cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the caption."""
        return tuple(self.speaker.words.words[token] for token in self.caption)

    @functools.cached_property
    def mentions(self) -> list[Mention]:
        """The objects that the caption names."""
        return mentions(self.words, self.domain.words)

    @functools.cached_property
    def present(self) -> frozenset[str]:
        """The categories that are in the image."""
        return self.domain.present(self.example)

    @functools.cached_property
    def scene(self) -> Scene | None:
        """The graph that the image was drawn from; None of a photograph."""
        known = self.domain.scene is not None and self.dataset is not None
        return self.domain.scene(self.dataset, self.index) if known else None

    @functools.cached_property
    def log_p(self) -> Float[np.ndarray, " T"]:
        """log p of each word of the caption, given the image and the words before it."""
        return self.distributions[np.arange(len(self.caption)), self.caption]

    @functools.cached_property
    def distributions(self) -> Float[np.ndarray, "T1 V"]:
        """log p of all words at each place of the caption, and behind it."""
        return self.speaker.log_probabilities(self.features, [self.caption])[0]

    @functools.cached_property
    def betas(self) -> Float[np.ndarray, " T"] | None:
        """The share of the sentinel at each word; None for a model without one."""
        return self.speaker.betas(self.features, self.caption)

    def explanation(self, method: str | Method, head: int | None = None) -> Explanation:
        """The explanation of the caption's words; computed once for all who ask."""
        key = (method_named(method), head)
        if key not in self._explanations:
            seen = self.pixels
            if seen is None:
                seen = self.speaker.regions[self.example.id].of(self.example.image)
            tokens = np.concatenate([[START], self.caption])
            self._explanations[key] = self.speaker.explain(
                seen, tokens, key[0], head=head, length=self.speaker.max_length
            )
        return self._explanations[key]

    @functools.cached_property
    def _view(self) -> View | None:
        return None if self.pixels is None else self.speaker.see(self.pixels)

    def heat_maps(
        self, method: str | Method, head: int | None = None, numbers: Sequence[int] | None = None
    ) -> Float[np.ndarray, "mentions H W 3"]:
        """The relevance of the pixels for each of `mentions`, at the last word of its name: "hot dog" is a dog.

        Computed once for all who ask, and much faster than `explanation`, which goes on to the pixels for all words.

        Args:
          method, head: as for `explanation`.
          numbers: which of the mentions; None for all of them.
        """
        numbers = tuple(range(len(self.mentions))) if numbers is None else tuple(numbers)
        key = (method_named(method), head, numbers)
        if key not in self._heat_maps:
            if isinstance(key[0], GuidedGradCAM):  # both factors are often there
                found = self.heat_maps(GradCAM(), head, numbers) * self.heat_maps(GuidedBackprop(), head, numbers)
            else:
                mentions = [self.mentions[number] for number in numbers]
                places = [mention.position + len(mention.words) - 1 for mention in mentions]
                found = heat_maps(
                    self.speaker, self.example, self.pixels, self.caption, places, key[0], head, self._view
                )
            self._heat_maps[key] = found
        return self._heat_maps[key]


def cases(
    speaker: Speaker, dataset: Dataset, domain: Domain, indices: Sequence[int], chunk: int = 32
) -> Iterator[tuple[int, Case | Exception]]:
    """The cases of a dataset's images, in order; an image that cannot be read comes as the error that says why.

    Args:
      speaker: what captions them.
      dataset, indices: the images.
      domain: what their words mean.
      chunk: images that are captioned at once.
    """
    for first in range(0, len(indices), chunk):
        seen: list[tuple[int, tuple | Exception]] = [
            (int(index), _see(speaker, dataset, int(index))) for index in indices[first : first + chunk]
        ]
        good = [what for _, what in seen if not isinstance(what, Exception)]
        captions = iter(speaker.caption(np.stack([what[2] for what in good]), batch_size=chunk) if good else [])
        for index, what in seen:
            if isinstance(what, Exception):
                yield index, what
            else:
                example, pixels, features = what
                yield index, Case(index, example, pixels, features, next(captions).ids, speaker, domain, dataset)


def _see(speaker: Speaker, dataset: Dataset, index: int) -> tuple | Exception:
    try:
        example = dataset[index]
        if speaker.encoder is None:
            return example, None, speaker.regions[example.id].features
        pixels = speaker.read(example.image)
        return example, pixels, speaker.encode(pixels)
    except (OSError, ValueError, KeyError) as error:
        return error
