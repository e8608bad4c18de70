"""Generates docs/RESULTS.md from result files: python -m study.results [--out=runs/study] [--docs=docs]

Pools the rows of all existing runs, writes the pooled tables as CSV and the figures as PNG to DOCS/results/, and
the page with the verdicts. No number on the page is written by hand.
"""

import argparse
import pathlib

from lrp_jax.captions.storage.files import atomic
from study.claims import CAPTIONERS, Tables, study_tables
from study.figures import keep_figures
from study.page import page
from study.plan import WORLDS

KEPT = {
    "captions": ("captions",),
    "word_ablation": ("word_ablation", "word_ablation_differences"),
    "image_ablation": ("image_ablation", "image_ablation_differences", "image_ablation_curve"),
    "correctness": ("correctness", "correctness_differences", "correctness_published", "correctness_masks"),
    "hallucination": ("hallucination", "hallucination_differences", "hallucination_published"),
    "frequent_words": ("frequent_words",),
    "chair": ("chair",),
    "gold_effect": ("gold_effect", "gold_effect_differences", "gold_effect_sizes"),
    "modality_share": (),
    "sanity": (),
    "causes": ("causes", "causes_maps"),
    "lrp_ift_gain": ("against_baseline", "lrp_ift_gain", "changed_mentions"),
}
"""The tables to keep for each experiment; () for all."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/study"), help="folder of the runs")
    parser.add_argument("--docs", type=pathlib.Path, default=pathlib.Path("docs"), help="folder of the page")
    options = parser.parse_args()
    tables = study_tables(options.out)
    keep_tables(tables, options.docs / "results")
    keep_figures(tables, options.docs / "results")
    with atomic(options.docs / "RESULTS.md") as file:
        file.write(page(tables, options.out))
    print(options.docs / "RESULTS.md")


def keep_tables(tables: Tables, folder: pathlib.Path) -> None:
    """Writes the pooled tables of every kind of captioner, CAPTIONER-BIAS/EXPERIMENT-TABLE.csv."""
    for world in WORLDS:
        for captioner in CAPTIONERS:
            for experiment, names in KEPT.items():
                for name, table in tables(captioner, world, experiment).items():
                    if names and name not in names:
                        continue
                    path = folder / f"{captioner}-{world}" / f"{experiment}-{name}.csv"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with atomic(path) as file:
                        table.to_csv(file, index=False, lineterminator="\n", na_rep="nan", float_format="%.6g")


if __name__ == "__main__":
    main()
