"""A drawn picture with made-up relevance, in the shape of an explanation."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lrp_jax.captions.render import Case

WORDS = ("<start>", "a", "red", "ball", "on", "the", "grass")


@dataclasses.dataclass(frozen=True)
class FakeExplanation:
    method: str
    tokens: Any
    logits: Any
    features: Any = None
    regions: Any = None
    words: Any = None
    betas: Any = None
    pixels: Any = None
    enlarged: bool = False
    grid: tuple[int, int] | None = None
    head: int | None = None
    against: Any = None


def draw_ball(height=90, width=120) -> np.ndarray:
    picture = Image.new("RGB", (width, height), (150, 200, 240))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0.6 * height, width, height), fill=(70, 140, 60))
    pen.ellipse((0.3 * width, 0.35 * height, 0.6 * width, 0.75 * height), fill=(200, 40, 40))
    return np.array(picture)


@pytest.fixture
def make_case():
    """make_case(caption=..., method=..., size=..., seed=..., **changes of the explanation) -> Case."""

    def make(caption=WORDS, method="lrp", size=48, seed=0, name="ball.png", case=None, **changes) -> Case:
        rng = np.random.default_rng(seed)
        count = len(caption) - 1
        rows, columns = np.mgrid[:size, :size] / size
        blobs = np.stack([np.exp(-((rows - 0.55) ** 2 + (columns - 0.1 - 0.1 * t) ** 2) * 30) for t in range(count)])
        noise = rng.normal(size=(count, size, size, 3))
        fields = {
            "tokens": np.arange(1, count + 2),
            "logits": rng.uniform(3, 9, count),
            "features": rng.normal(size=(count, 9, 4)),
            "regions": rng.normal(size=(count, 9)),
            "words": np.tril(rng.normal(size=(count, count))),
            "betas": rng.uniform(0.1, 0.9, count),
            "pixels": (blobs[..., None] * (1 + noise) * 1e-3).astype(np.float32),
            "grid": (3, 3),
        }
        if method == "attention":
            weights = rng.dirichlet(np.ones(9), count)
            fields |= {"features": None, "words": None, "regions": weights, "enlarged": True}
            fields["pixels"] = np.repeat(weights.reshape(count, 3, 3, 1), 3, -1).repeat(16, 1).repeat(16, 2)
        explanation = FakeExplanation(method, **(fields | changes))
        return Case(name, draw_ball(), caption, explanation, **(case or {}))

    return make
