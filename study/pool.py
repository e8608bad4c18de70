"""The pooled rows of several runs, and their tables."""

import functools
import json
import pathlib
from collections.abc import Container, Mapping, Sequence

import pandas as pd

from lrp_jax.captions.data.domain import PHOTOGRAPHS as OF_PHOTOGRAPHS
from lrp_jax.captions.data.domain import SCENES as OF_SCENES
from lrp_jax.captions.data.features import list_images
from lrp_jax.captions.data.sources import source
from lrp_jax.captions.experiments import EXPERIMENTS, Context, read_rows
from lrp_jax.captions.images import Dataset
from study.plan import PHOTOGRAPHS, evaluated


def pooled(
    out: pathlib.Path, captioner: str, world: str, run: str, experiment: str, seeds: Container[int] | None = None
) -> pd.DataFrame:
    """The rows of an experiment on the runs `run` of the starts of a kind, with a column `start`; empty if none.

    Scenes are numbered as in their split, which all starts share; photographs across all folds, as in `tested`.
    """
    found, before = [], 0
    for folder in _starts(out, captioner, world):
        path = evaluated(folder / run, world) / experiment / "rows.csv"
        seed = int(folder.name.rpartition("-")[2])
        wanted = path.exists() and (seeds is None or seed in seeds)
        rows = read_rows(path) if wanted else pd.DataFrame()
        if len(rows):
            rows["image"] += before
            found.append(rows.assign(start=seed))
        if world == PHOTOGRAPHS:
            before += len(_test_set(folder))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def tables_of(
    out: pathlib.Path,
    captioner: str,
    world: str,
    run: str,
    experiment: str,
    against: str | None = None,
    seeds: Container[int] | None = None,
) -> Mapping[str, pd.DataFrame]:
    """The tables of an experiment over the starts of a kind that have been measured; {} if none has.

    Args:
      out: the folder of the study.
      captioner, world: of the starts.
      run: "start", or the name of a fine-tuned model such as "lrp-0".
      experiment: its name.
      against: the matched baseline, such as "baseline-0"; only starts that have both are used.
      seeds: of the starts to use; None for all.
    """
    rows = pooled(out, captioner, world, run, experiment, seeds)
    if rows.empty:
        return {}
    before = pooled(out, captioner, world, against, experiment, seeds) if against else pd.DataFrame()
    if against:
        both = set(rows["start"]) & set(before["start"]) if len(before) else set()
        if not both:
            return {}
        rows, before = (found[found["start"].isin(both)].reset_index(drop=True) for found in (rows, before))
    context = Context(
        dataset=tested(out, captioner, world),
        domain=OF_PHOTOGRAPHS if world == PHOTOGRAPHS else OF_SCENES,
        training_captions=functools.cache(lambda: _captions(out, captioner, world, "train")),
        references=functools.cache(lambda: _captions(out, captioner, world, "test")),
        rows_of=(lambda name: before) if against else None,
    )
    return EXPERIMENTS[experiment]().tables(rows, context)


def tested(out: pathlib.Path, captioner: str, world: str) -> Dataset:
    """The images on which starts of a kind are measured; for photographs the test sets of all folds in sequence."""
    starts = _starts(out, captioner, world)
    if world != PHOTOGRAPHS:
        return _test_set(starts[0])
    return [image for folder in starts for image in _test_set(folder)]


def _starts(out: pathlib.Path, captioner: str, world: str) -> list[pathlib.Path]:
    return sorted(path.parents[1] for path in out.glob(f"{captioner}-{world}-*/start/config.json"))


def _source(start: pathlib.Path) -> str:
    return json.loads((start / "start" / "config.json").read_text(encoding="utf-8"))["source"]


@functools.cache
def _test_set(start: pathlib.Path) -> Dataset:
    splits = source(_source(start))
    return splits["test"] if "test" in splits else splits["test_broken"]


def _captions(out: pathlib.Path, captioner: str, world: str, split: str) -> Sequence[tuple[str, ...]]:
    """The captions of the images; those of drawn scenes are read from the list that the first run cached."""
    if split == "test" and world == PHOTOGRAPHS:
        return [image.captions for image in tested(out, captioner, world)]
    first = _starts(out, captioner, world)[0]
    if split == "test":
        return [image.captions for image in list_images(_test_set(first), _kept(out, world, "test_broken"))]
    kept = None if world == PHOTOGRAPHS else _kept(out, world, split)
    return [image.captions for image in list_images(source(_source(first))[split], kept)]


def _kept(out: pathlib.Path, world: str, split: str) -> pathlib.Path:
    return out / "features" / f"{world}-grid" / split
