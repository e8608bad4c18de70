"""The picture of a case, drawn again with something changed: what only drawn scenes can give."""

import dataclasses

import numpy as np
from jaxtyping import UInt8

from lrp_jax.captions import scenes
from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.images import load_image


def scene_of(case: Case) -> scenes.Scene | None:
    """The graph behind the image; None where it was not drawn from one."""
    return None if case.domain.scene is None else case.domain.scene(case.dataset, case.index)


def picture(case: Case, scene: scenes.Scene) -> UInt8[np.ndarray, "H W 3"]:
    """A scene as the speaker sees the images of the case's dataset: drawn at their size, in their style."""
    drawn = scenes.draw(scene, case.dataset.size, case.dataset.style)
    return load_image(drawn, case.speaker.preprocessing.size)


@dataclasses.dataclass(frozen=True)
class DrawnAway:
    """(case, category) -> its picture without any object of this category, as the speaker sees it.

    An ideal ablation: everything else is there, and what the objects hid. None where the image was not drawn, or the
    scene has no such object.
    """

    def __call__(self, case: Case, category: str) -> UInt8[np.ndarray, "H W 3"] | None:
        scene = scene_of(case)
        numbers = [i for i, thing in enumerate(scene.objects) if thing.kind == category] if scene else []
        return picture(case, scenes.counterfactual(scene, drop=numbers)) if numbers else None
