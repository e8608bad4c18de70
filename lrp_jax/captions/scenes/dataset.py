"""The splits of the drawn scenes, as a dataset of captioned images."""

import dataclasses

import numpy as np

from lrp_jax.captions.images import Example
from lrp_jax.captions.scenes.captions import captions
from lrp_jax.captions.scenes.frequencies import RHO
from lrp_jax.captions.scenes.sample import sample
from lrp_jax.captions.scenes.styles import STYLES, draw
from lrp_jax.captions.scenes.world import Scene

SPLITS: dict[str, int] = {"train": 8000, "validation": 1000, "test_broken": 3000, "test_biased": 1000}
"""Each split and its standard number of images. In "test_broken" the planted pairs are independent."""


@dataclasses.dataclass(frozen=True)
class Scenes:
    """One split of the drawn scenes; `scenes[i]` generates an `Example` on access, nothing is cached.

    Attributes:
        split: one of `SPLITS`.
        bias: "strong", "weak" or "none"; the broken test split is the same for all three.
        seed: seed of the dataset, an integer >= 0.
        size: side of the images in pixels.
        count: number of items.
        style: the drawing style, one of `STYLES`.
    """

    split: str
    bias: str
    seed: int
    size: int
    count: int
    style: str = "painted"

    def __len__(self) -> int:
        return self.count

    def scene(self, index: int) -> Scene:
        """The scene graph of item `index`: objects, relations, background.

        Raises:
            IndexError: there is no such item.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"got item {index}, wanted 0 to {self.count - 1} of {self.split}")
        bias = "none" if self.split == "test_broken" else self.bias
        key = (self.seed, list(SPLITS).index(self.split), list(RHO).index(bias), int(index))
        return sample(key, bias)

    def __getitem__(self, index: int) -> Example:
        scene = self.scene(index)
        style = "" if self.style == "painted" else f"-{self.style}"
        return Example(
            id=f"scenes-{self.split}-{self.bias}-{self.seed}-{index:05d}{style}",
            image=draw(scene, self.size, self.style),
            captions=captions(scene),
            boxes=np.array([thing.box for thing in scene.objects], np.float32),
            names=tuple(thing.kind for thing in scene.objects),
            split=self.split,
        )


def dataset(
    split: str,
    bias: str = "strong",
    seed: int = 0,
    size: int = 144,
    count: int | None = None,
    style: str = "painted",
) -> Scenes:
    """A split of the drawn scenes.

    Item i depends only on (seed, split, bias, i), not on the other items, on `count`, or on the process.

    Args:
        split: "train", "validation", "test_broken" (all pairs independent, for every bias) or
            "test_biased" (with the bias of the training split).
        bias: "strong" (rho 0.8), "weak" (0.5) or "none" (the natural rate).
        seed: seed of the dataset, an integer >= 0.
        size: side of the images in pixels, at least 8; the geometry is the same at every size.
        count: number of items; None: 8000, 1000, 3000 or 1000, as in `SPLITS`.
        style: "painted", or "outline" for the same scenes in ink, to test transfer; see `draw`.

    Returns:
        A sequence of `Example`: image uint8 [size, size, 3], five captions, boxes [objects, 4] and the kind of each
        object.

    Raises:
        ValueError: an argument is none of the values listed.

    Example:
        >>> scenes = dataset("train")
        >>> example = scenes[0]
        >>> example.image.shape, len(example.captions)
        ((144, 144, 3), 5)
    """
    if split not in SPLITS:
        raise ValueError(f"got split={split!r}, wanted one of {', '.join(SPLITS)}")
    if bias not in RHO:
        raise ValueError(f"got bias={bias!r}, wanted one of {', '.join(RHO)}")
    if int(seed) != seed or seed < 0:
        raise ValueError(f"got seed={seed!r}, wanted an integer of at least 0")
    if size < 8 or int(size) != size:
        raise ValueError(f"got size={size!r}, wanted a number of pixels of at least 8")
    count = SPLITS[split] if count is None else count
    if int(count) != count or count < 0:
        raise ValueError(f"got count={count!r}, wanted a number of items, or None for the standard one")
    if style not in STYLES:
        raise ValueError(f"got style={style!r}, wanted one of {', '.join(STYLES)}")
    return Scenes(split, bias, int(seed), int(size), int(count), style)
