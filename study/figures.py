"""The paper's figures, from the pooled tables of all starts."""

import pathlib
from collections.abc import Iterator
from typing import NamedTuple

from matplotlib.figure import Figure

from lrp_jax.captions.experiments import EXPERIMENTS
from lrp_jax.captions.storage.files import atomic_path
from study.claims import CAPTIONERS, PHOTOGRAPHS, STRONG, Tables

FIGURES = {
    "word_ablation": "Word ablation (Fig. 5)",
    "image_ablation": "Image ablation (Fig. 6 left)",
    "correctness": "Correctness (Fig. 6 right)",
    "gold_effect": "Rank correlation with the gold effect",
    "causes": "What mentions rest on (Fig. 8)",
    "frequent_words": "The most frequent object words (Fig. 7)",
}
"""The title of the figure of each experiment."""


class Drawn(NamedTuple):
    """A figure, its title, and its path in the folder of results."""

    title: str
    path: str
    figure: Figure


def drawn(tables: Tables) -> Iterator[Drawn]:
    """The figures of all measured experiments."""
    for experiment, title in FIGURES.items():
        for world in (STRONG, PHOTOGRAPHS):
            for captioner, name in CAPTIONERS.items():
                found = tables(captioner, world, experiment)
                figure = EXPERIMENTS[experiment]().figure(found) if experiment in found else None
                if figure is not None:
                    place = "scenes" if world == STRONG else world
                    yield Drawn(f"{title}: {name}, {place}", f"{captioner}-{world}/{experiment}.png", figure)


def keep_figures(tables: Tables, folder: pathlib.Path) -> None:
    """Writes the figures to a folder; the same tables give the same files."""
    for one in drawn(tables):
        path = folder / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            one.figure.savefig(temporary, format="png", dpi=100, bbox_inches="tight", metadata={"Software": None})
