"""The image of a case, drawn again with a change; only for drawn scenes."""

import dataclasses

import numpy as np
from jaxtyping import UInt8

from lrp_jax.captions import scenes
from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.images import load_image


def scene_of(case: Case) -> scenes.Scene | None:
    """The scene graph of the image; None for a photograph."""
    return None if case.domain.scene is None else case.domain.scene(case.dataset, case.index)


def picture(case: Case, scene: scenes.Scene) -> UInt8[np.ndarray, "H W 3"]:
    """A scene drawn like the images of the case's dataset (size and style), at the size of the speaker's encoder."""
    drawn = scenes.draw(scene, case.dataset.size, case.dataset.style)
    return load_image(drawn, case.speaker.preprocessing.size)


@dataclasses.dataclass(frozen=True)
class DrawnAway:
    """(case, category) -> its image without the objects of this category, at the size of the speaker's encoder.

    An ideal ablation: everything else stays, and what the objects hid becomes visible. None if the image was not drawn,
    or the scene has no such object.
    """

    def __call__(self, case: Case, category: str) -> UInt8[np.ndarray, "H W 3"] | None:
        scene = scene_of(case)
        numbers = [i for i, thing in enumerate(scene.objects) if thing.kind == category] if scene else []
        return picture(case, scenes.counterfactual(scene, drop=numbers)) if numbers else None
