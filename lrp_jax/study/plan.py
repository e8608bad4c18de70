"""The runs of the study on drawn scenes, as docs/STUDY.md lists them."""

import dataclasses
import pathlib
import sys
from collections.abc import Iterator, Sequence

from lrp_jax.training import ARMS

MAPPED = ("word_ablation", "image_ablation", "correctness", "hallucination", "modality_share", "gold_effect")
"""Experiments that explain: of the starts, on the first images."""
SPOKEN = ("captions", "frequent_words", "chair")
"""Experiments that only need captions: of all runs, on all images."""
EVALUATED = pathlib.Path("evaluation", "test_broken")
"""Where in a run's folder its results are."""
IMAGES, SANITY_IMAGES = 400, 100
"""How many images are explained, and how many by randomised models."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Start:
    """A captioner trained with cross-entropy until the paper's rule stops it.

    Attributes:
      captioner: "ada", "mhfc", "ada_bu" or "mhfc_bu".
      bias: of its world, "strong", "weak" or "none".
      seed: of everything in it.
    """

    captioner: str
    bias: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.captioner}-{self.bias}-{self.seed}"

    def training(self, out: pathlib.Path) -> list[str]:
        """The flags of train.py."""
        # One folder of features for each encoder and world: all starts of a kind read the same.
        regions = "regions" if self.captioner.endswith("_bu") else "grid"
        return [
            f"--config=configs/{self.captioner}_scenes.py:{self.bias}",
            f"--workdir={out / self.name / 'start'}",
            f"--config.seed={self.seed}",
            f"--config.features_folder={out / 'features' / f'{self.bias}-{regions}'}",
        ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tuned:
    """A start after one epoch of an arm of fine-tuning.

    Attributes:
      start: where it began.
      arm: one of `ARMS`.
      order: which of the orders of the captions; the arms of a start are compared within an order.
    """

    start: Start
    arm: str
    order: int = 0

    @property
    def name(self) -> str:
        return f"{self.arm}-{self.order}"

    def training(self, out: pathlib.Path) -> list[str]:
        """The flags of train.py."""
        folder = out / self.start.name
        return [
            f"--config=configs/study/lrp_ift_scenes.py:{self.start.captioner}-{self.arm}",
            f"--config.init_from={folder / 'start'}",
            f"--workdir={folder / self.name}",
            f"--config.seed={1000 * (self.order + 1) + self.start.seed}",
        ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the study: starts, and the arms that each of them is tuned by.

    Attributes:
      captioners, bias, seeds: of the starts.
      arms, orders: of the fine-tuning.
      explained: whether the starts' maps are measured too.
    """

    captioners: Sequence[str]
    bias: str = "strong"
    seeds: int = 5
    arms: Sequence[str] = ("baseline", "lrp")
    orders: int = 1
    explained: bool = True

    def starts(self) -> Iterator[Start]:
        """The starts, seed by seed, so that whole sets of captioners are complete early."""
        for seed in range(self.seeds):
            for captioner in self.captioners:
                yield Start(captioner=captioner, bias=self.bias, seed=seed)

    def tuned(self, start: Start) -> Iterator[Tuned]:
        """What becomes of a start."""
        for order in range(self.orders):
            for arm in self.arms:
                yield Tuned(start=start, arm=arm, order=order)


GRID = ("ada", "mhfc")
PARTS: dict[str, tuple[Part, ...]] = {
    "small": (Part(captioners=GRID),),
    "bias": (
        Part(captioners=GRID, bias="weak", seeds=3, explained=False),
        Part(captioners=GRID, bias="none", seeds=3, explained=False),
    ),
    "arms": (Part(captioners=GRID, seeds=3, arms=tuple(ARMS), explained=False),),
    "full": (
        Part(captioners=GRID, orders=2),
        Part(captioners=("ada_bu", "mhfc_bu"), seeds=3, orders=2),
    ),
}
"""What `python -m lrp_jax.study --part=NAME` runs; a run that two parts share is made once."""


def commands(part: Part, start: Start, out: pathlib.Path) -> Iterator[tuple[pathlib.Path, list[str]]]:
    """All that is to be done about a start, in order: (file that is there when it is done, command).

    The commands are those that a person would give, so each can be repeated by hand.
    """
    folder = out / start.name
    yield _train(folder / "start", start.training(out))
    if part.explained:
        yield _evaluate(folder / "start", MAPPED, f"--images={IMAGES}")
        yield _evaluate(folder / "start", ("sanity",), f"--images={SANITY_IMAGES}")
    yield _evaluate(folder / "start", SPOKEN)
    for tuned in part.tuned(start):
        run = folder / tuned.name
        yield _train(run, tuned.training(out))
        flags = []
        if tuned.arm != "baseline" and "baseline" in part.arms:
            flags = [f"--against={folder / f'baseline-{tuned.order}' / EVALUATED}"]
        yield _evaluate(run, (*SPOKEN, "lrp_ift_gain"), *flags)


def _train(run: pathlib.Path, flags: list[str]) -> tuple[pathlib.Path, list[str]]:
    return run / "results.json", [sys.executable, "train.py", *flags, "--resume"]


def _evaluate(run: pathlib.Path, names: Sequence[str], *flags: str) -> tuple[pathlib.Path, list[str]]:
    out = run / EVALUATED
    chosen = f"--experiment={','.join(names)}"
    command = [sys.executable, "evaluate.py", chosen, f"--checkpoint={run}", "--split=test_broken", f"--out={out}"]
    return out / f"{names[0]}.done", [*command, *flags]
