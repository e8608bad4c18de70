"""The rows of several runs together, and their tables."""

import functools
import pathlib
from collections.abc import Mapping, Sequence

import pandas as pd

from lrp_jax.data import source
from lrp_jax.data.features import list_images
from lrp_jax.experiments import EXPERIMENTS, SCENES, Context, read_rows
from lrp_jax.study.plan import EVALUATED

TEST = "test_broken"


def pooled(out: pathlib.Path, captioner: str, bias: str, run: str, experiment: str) -> pd.DataFrame:
    """The rows of an experiment on the runs `run` of all starts of a kind, with a column `start`; empty without any."""
    found = []
    for folder in sorted(out.glob(f"{captioner}-{bias}-*")):
        path = folder / run / EVALUATED / experiment / "rows.csv"
        if path.exists():
            found.append(read_rows(path).assign(start=int(folder.name.rpartition("-")[2])))
    found = [rows for rows in found if len(rows)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def tables_of(
    out: pathlib.Path, captioner: str, bias: str, run: str, experiment: str, against: str | None = None
) -> Mapping[str, pd.DataFrame]:
    """The tables of an experiment over all starts of a kind that have been measured; {} if none has.

    Args:
      out: the folder of the study.
      captioner, bias: of the starts.
      run: "start", or the name of a fine-tuned descendant such as "lrp-0".
      experiment: its name.
      against: the matched baseline, such as "baseline-0"; only starts that have both count.
    """
    rows = pooled(out, captioner, bias, run, experiment)
    if rows.empty:
        return {}
    before = pooled(out, captioner, bias, against, experiment) if against else pd.DataFrame()
    if against:
        both = set(rows["start"]) & set(before["start"]) if len(before) else set()
        if not both:
            return {}
        rows, before = (found[found["start"].isin(both)].reset_index(drop=True) for found in (rows, before))
    context = Context(
        dataset=source(f"scenes:{bias},size=96")[TEST],
        domain=SCENES,
        training_captions=functools.partial(_captions, out, bias, "train"),
        references=functools.partial(_captions, out, bias, TEST),
        rows_of=(lambda name: before) if against else None,
    )
    return EXPERIMENTS[experiment]().tables(rows, context)


@functools.cache
def _captions(out: pathlib.Path, bias: str, split: str) -> Sequence[tuple[str, ...]]:
    """Those that the first run listed beside its features are not drawn again."""
    kept = out / "features" / f"{bias}-grid" / split
    return [image.captions for image in list_images(source(f"scenes:{bias},size=96")[split], kept)]
