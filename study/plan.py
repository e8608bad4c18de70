"""The runs of the study, as docs/STUDY.md lists them."""

import dataclasses
import pathlib
import sys
from collections.abc import Iterator, Sequence

from lrp_jax.captions.runs.arms import ARMS

MAPPED = ("word_ablation", "image_ablation", "correctness", "modality_share", "gold_effect")
"""Experiments that need maps: run for the starts, on the first images."""
SPOKEN = ("captions", "frequent_words", "chair")
"""Experiments that need only captions: run for all models, on all images."""
IMAGES, SANITY_IMAGES, PHOTOGRAPH_IMAGES = 100, 20, (100, 40)
"""The number of explained scenes, of scenes explained by randomised models, and of explained photographs of each fold:
for experiments that need only the captioner, and for those that need many pixel maps."""

HALLUCINATION_IMAGES = 500
"""The number of scenes for hallucination: false mentions are rare, and the study requires 1000 of each. On photographs
all of a fold are used."""

CAUSES_IMAGES = 400
"""The number of scenes for causes, which needs few maps; false mentions are rare."""

PHOTOGRAPHS, FOLDS = "photographs", 5
WORLDS = ("strong", "weak", "none", PHOTOGRAPHS)
"""The training data of starts: drawn scenes with a strong, a weak or no bias, and photographs."""
PHOTOGRAPH_MAPPED = (("word_ablation", "modality_share"), ("correctness", "image_ablation"))
PHOTOGRAPH_SETS = ("flickr8k_1000", "coco_small")
"""Folders of photographs: NAME/NAME.json, NAME/images/."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Start:
    """A captioner trained with cross-entropy.

    Attributes:
      captioner: "ada", "mhfc", "ada_bu" or "mhfc_bu".
      world: the bias of its drawn scenes, "strong", "weak" or "none"; or "photographs".
      seed: of all random choices; on photographs also the number of the test fold.
      data: the folder of the photographs.
    """

    captioner: str
    world: str
    seed: int
    data: pathlib.Path | None = None

    @property
    def name(self) -> str:
        return f"{self.captioner}-{self.world}-{self.seed}"

    @property
    def config(self) -> str:
        """The name of its config in configs/study/lrp_ift.py."""
        return f"photos.{self.captioner}" if self.world == PHOTOGRAPHS else f"{self.captioner}_scenes"

    @property
    def test(self) -> str:
        """The split on which it is measured."""
        return "test" if self.world == PHOTOGRAPHS else "test_broken"

    def training(self, out: pathlib.Path) -> list[str]:
        """The flags of train.py."""
        run = [f"--workdir={out / self.name / 'start'}", f"--config.seed={self.seed}"]
        if self.world == PHOTOGRAPHS:
            files = ",".join(str(self.data / name / f"{name}.json") for name in PHOTOGRAPH_SETS)
            return [
                f"--config=configs/photos.py:{self.captioner}",
                *run,
                "--config.schedule=linear",
                "--config.epochs=8",
                "--config.learning_rate=2e-3",
                f"--config.source=json:{files},fold={self.seed}/{FOLDS}",
                f"--config.encoder_weights={self.data / 'weights' / 'squeezenet1_1_oihw.npz'}",
                f"--config.features_folder={out / 'features' / f'{PHOTOGRAPHS}-{self.seed}'}",
            ]
        # One folder of features for each encoder and world, shared by all starts of a kind.
        regions = "regions" if self.captioner.endswith("_bu") else "grid"
        features = f"--config.features_folder={out / 'features' / f'{self.world}-{regions}'}"
        return [f"--config=configs/{self.captioner}_scenes.py:{self.world}", *run, features]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tuned:
    """A start after one epoch of an arm of fine-tuning.

    Attributes:
      start: the model before fine-tuning.
      arm: one of `ARMS`.
      order: number of the order of the captions; the arms of a start are compared within an order.
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
            f"--config=configs/study/lrp_ift.py:{self.start.config}-{self.arm}",
            f"--config.init_from={folder / 'start'}",
            f"--workdir={folder / self.name}",
            f"--config.seed={1000 * (self.order + 1) + self.start.seed}",
        ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the study: starts, and the arms with which each of them is fine-tuned.

    Attributes:
      captioners, world, seeds: of the starts.
      arms, orders: of the fine-tuning.
      explained: whether the starts' maps are measured too.
    """

    captioners: Sequence[str]
    world: str = "strong"
    seeds: int = 5
    arms: Sequence[str] = ("baseline", "lrp")
    orders: int = 1
    explained: bool = True

    def starts(self, data: pathlib.Path | None = None) -> Iterator[Start]:
        """The starts, seed by seed, so that whole sets of captioners are complete early; `data` as in `Start`."""
        for seed in range(self.seeds):
            for captioner in self.captioners:
                yield Start(captioner=captioner, world=self.world, seed=seed, data=data)

    def tuned(self, start: Start) -> Iterator[Tuned]:
        """The fine-tuned models of a start."""
        for order in range(self.orders):
            for arm in self.arms:
                yield Tuned(start=start, arm=arm, order=order)


GRID = ("ada", "mhfc")
PARTS: dict[str, tuple[Part, ...]] = {
    "small": (Part(captioners=GRID),),
    "bias": (
        Part(captioners=GRID, world="weak", seeds=3, explained=False),
        Part(captioners=GRID, world="none", seeds=3, explained=False),
    ),
    "arms": (Part(captioners=GRID, seeds=3, arms=tuple(ARMS), explained=False),),
    "full": (
        Part(captioners=GRID, orders=2),
        Part(captioners=("ada_bu", "mhfc_bu"), seeds=3, orders=2),
    ),
    PHOTOGRAPHS: (Part(captioners=GRID, world=PHOTOGRAPHS, seeds=FOLDS),),
}
"""The parts that `python -m study --part=NAME` runs; a run that two parts share is made once."""


def commands(part: Part, start: Start, out: pathlib.Path) -> Iterator[tuple[pathlib.Path, list[str]]]:
    """All commands of a start, in order: (file that exists when it is done, command).

    Each command can also be run by hand.
    """
    folder = out / start.name
    yield _train(folder / "start", start.training(out))
    if part.explained and start.world == PHOTOGRAPHS:
        for names, images in zip(PHOTOGRAPH_MAPPED, PHOTOGRAPH_IMAGES, strict=True):
            yield _evaluate(start, "start", out, names, f"--images={images}")
        yield _evaluate(start, "start", out, ("hallucination",))
    elif part.explained:
        yield _evaluate(start, "start", out, MAPPED, f"--images={IMAGES}")
        yield _evaluate(start, "start", out, ("hallucination",), f"--images={HALLUCINATION_IMAGES}")
        yield _evaluate(start, "start", out, ("sanity",), f"--images={SANITY_IMAGES}")
        yield _evaluate(start, "start", out, ("causes",), f"--images={CAUSES_IMAGES}")
    yield _evaluate(start, "start", out, SPOKEN)
    for tuned in part.tuned(start):
        yield _train(folder / tuned.name, tuned.training(out))
        flags = []
        if tuned.arm != "baseline" and "baseline" in part.arms:
            baseline = dataclasses.replace(tuned, arm="baseline").name
            flags = [f"--against={evaluated(folder / baseline, start.world)}"]
        yield _evaluate(start, tuned.name, out, (*SPOKEN, "lrp_ift_gain"), *flags)


def evaluated(run: pathlib.Path, world: str) -> pathlib.Path:
    """The folder of the results of a run."""
    return run / "evaluation" / ("test" if world == PHOTOGRAPHS else "test_broken")


def _train(run: pathlib.Path, flags: list[str]) -> tuple[pathlib.Path, list[str]]:
    return run / "results.json", [sys.executable, "train.py", *flags, "--resume"]


def _evaluate(
    start: Start, run: str, out: pathlib.Path, names: Sequence[str], *flags: str
) -> tuple[pathlib.Path, list[str]]:
    checkpoint = out / start.name / run
    results = evaluated(checkpoint, start.world)
    chosen = [f"--experiment={','.join(names)}", f"--checkpoint={checkpoint}", f"--split={start.test}", "--rows_only"]
    return results / f"{names[0]}.done", [sys.executable, "evaluate.py", *chosen, f"--out={results}", *flags]
