"""The claims C1 to C8 of docs/STUDY.md, decided from tables."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from lrp_jax.captions.experiments.bars import NAMES
from study import paper
from study.pool import tables_of
from study.verdicts import Finding, of_independent

Tables = Callable[[str, str, str], Mapping[str, pd.DataFrame]]
"""(captioner, world, experiment) -> tables, {} if nothing was measured. LRP-IFT is compared with its baseline."""

STRONG, PHOTOGRAPHS = "strong", "photographs"
"""The worlds in which claims are decided: drawn scenes with a strong bias, and photographs."""

CAPTIONERS = {"ada": "Ada-LSTM", "mhfc": "MH-FC"}
HIGH_RESOLUTION = ("lrp", "guided_grad_cam", "guided_backprop")
FREQUENT = "frequent words by references: mean, 0 where never said"


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim and the comparisons that decide it.

    Attributes:
      name: "C1" and so on.
      says: the claim.
      paper: its place in the paper, and the paper's result.
      findings: tables, world -> the comparisons.
    """

    name: str
    says: str
    paper: str
    findings: Callable[[Tables, str], list[Finding]]


def study_tables(out: pathlib.Path) -> Tables:
    """The tables of a study folder, each computed once."""
    made: dict[tuple[str, str, str], Mapping[str, pd.DataFrame]] = {}

    def tables(captioner: str, world: str, experiment: str) -> Mapping[str, pd.DataFrame]:
        key = (captioner, world, experiment)
        if key not in made:
            tuned = experiment == "lrp_ift_gain"
            run, against = ("lrp-0", "baseline-0") if tuned else ("start", None)
            made[key] = tables_of(out, captioner, world, run, experiment, against)
        return made[key]

    return tables


def _c1(tables: Tables, world: str) -> list[Finding]:
    found = []
    for captioner in CAPTIONERS:
        table = _table(tables(captioner, world, "word_ablation"), "word_ablation_differences", "how")
        for row in _rows(table, how="deleted", method="lrp"):
            if row["kind"] in ("object", "stop") and row["minus"] in ("gradient_x_input", "gradient", "random"):
                about = f"{row['kind']} words: drop by LRP - by {_name(row['minus'])}"
                found.append(_finding(about, captioner, row, "drop", "words"))
    return found


def _c2(tables: Tables, world: str) -> list[Finding]:
    found = []
    for captioner in CAPTIONERS:
        table = _table(tables(captioner, world, "image_ablation"), "image_ablation_differences", "minus")
        for method in HIGH_RESOLUTION:
            for other in ("attention", "grad_cam"):
                about = f"vanished by {_name(method)} - by {_name(other)}"
                for row in _rows(table, method=method, minus=other):
                    found.append(_finding(about, captioner, row, "vanished", "count"))
                for row in _rows(table, method=other, minus=method):
                    turned = {"vanished": -row["vanished"], "count": row["count"]}
                    turned |= {"vanished_low": -row["vanished_high"], "vanished_high": -row["vanished_low"]}
                    found.append(_finding(about, captioner, turned, "vanished", "count"))
    return found


def _c3a(tables: Tables, world: str) -> list[Finding]:
    found = []
    for captioner, through in (("ada", "all heads"), ("mhfc", "best head")):
        table = _table(tables(captioner, world, "correctness"), "correctness_differences", "of")
        for method in HIGH_RESOLUTION:
            for row in _rows(table, of=method, minus="attention", through=through):
                about = f"{_name(method)} - attention" + (", best head each" if through == "best head" else "")
                found.append(_finding(about, captioner, row, "difference", "words", bound=-0.02))
    return found


def _c3b(tables: Tables, world: str) -> list[Finding]:
    found = []
    both = [_table(tables(captioner, world, "correctness"), "correctness", "method") for captioner in ("mhfc", "ada")]
    for method in (*HIGH_RESOLUTION, "grad_cam", "attention"):
        means = [
            [
                (row["correctness"], row["correctness_low"], row["correctness_high"], row["words"])
                for row in _rows(table, method=method, through=through)
            ]
            for table, through in zip(both, ("best head", "all heads"), strict=True)
        ]
        if all(means):
            about = f"{_name(method)}: MH-FC's best head - Ada-LSTM"
            found.append(of_independent(about, "both", means[0][0], means[1][0]))
    return found


def _c4a(tables: Tables, world: str) -> list[Finding]:
    return _parts(tables, world, "half of lrp", "half of LRP's positive part - its negative part")


def _c4b(tables: Tables, world: str) -> list[Finding]:
    about = "Guided Grad-CAM's positive part - its negative part"
    return _parts(tables, world, "guided_grad_cam", about, within=0.05)


def _parts(tables: Tables, world: str, of: str, about: str, **bounds: float) -> list[Finding]:
    found = []
    for captioner in CAPTIONERS:
        table = _table(tables(captioner, world, "correctness"), "correctness_differences", "of")
        for row in _rows(table, of=of, minus="its negative part", through="all heads"):
            found.append(_finding(about, captioner, row, "difference", "words", **bounds))
    return found


def _c5a(tables: Tables, world: str) -> list[Finding]:
    found = []
    for captioner in CAPTIONERS:
        table = _table(tables(captioner, world, "hallucination"), "hallucination", "AUC")
        for row in _frequent(table, method="lrp", statistic="quantile-5%"):
            moved = {"AUC": row["AUC"] - 0.5, "AUC_low": row["low"] - 0.5, "AUC_high": row["high"] - 0.5}
            count = {"mentions": row["true_mentions"] + row["false_mentions"]}
            found.append(_finding("AUC of the 5 % quantile - 0.5", captioner, moved | count, "AUC", "mentions"))
    return found


def _c5b(tables: Tables, world: str) -> list[Finding]:
    table = _table(tables("ada", world, "hallucination"), "hallucination_differences", "minus")
    found = []
    for row in _frequent(table, minus="1 - beta"):
        ends = {"AUC": row["difference"], "AUC_low": row["low"], "AUC_high": row["high"]}
        count = {"mentions": row["true_mentions"] + row["false_mentions"]}
        about = "AUC of the 5 % quantile - of 1 - beta"
        found.append(_finding(about, "ada", ends | count, "AUC", "mentions", bound=-0.02))
    return found


def _c6a(tables: Tables, world: str) -> list[Finding]:
    return _against_baseline(tables, world, FREQUENT, "precision of frequent words: LRP-IFT - baseline")


def _c6b(tables: Tables, world: str) -> list[Finding]:
    if world != STRONG:
        return []
    found = []
    for captioner in CAPTIONERS:
        gains = []
        for bias in (STRONG, "weak"):
            table = _table(tables(captioner, bias, "lrp_ift_gain"), "against_baseline", "measure")
            gains.append(
                [(r["difference"], r["low"], r["high"], r["captions"]) for r in _rows(table, measure=FREQUENT)]
            )
        if all(gains):
            about = "gain in precision: strong bias - weak bias"
            found.append(of_independent(about, CAPTIONERS[captioner], gains[0][0], gains[1][0]))
    return found


def _c7(tables: Tables, world: str) -> list[Finding]:
    return _against_baseline(tables, world, "CIDEr", "CIDEr: LRP-IFT - baseline", bound=-0.01)


def _c8(tables: Tables, world: str) -> list[Finding]:
    found = []
    for captioner in CAPTIONERS:
        table = _table(tables(captioner, world, "lrp_ift_gain"), "lrp_ift_gain", "references")
        for row in _rows(table, references="rarest"):
            if "low" in row:
                ends = {"c": row["difference"], "c_low": row["low"], "c_high": row["high"]}
                count = {"captions": row["captions_improved"] + row["captions_degraded"]}
                about = "count of the rarest word: degraded - improved images"
                found.append(_finding(about, captioner, ends | count, "c", "captions"))
    return found


def _against_baseline(tables: Tables, world: str, measure: str, about: str, **bounds: float) -> list[Finding]:
    found = []
    for captioner in CAPTIONERS:
        table = _table(tables(captioner, world, "lrp_ift_gain"), "against_baseline", "measure")
        for row in _rows(table, measure=measure):
            ends = {"d": row["difference"], "d_low": row["low"], "d_high": row["high"], "captions": row["captions"]}
            found.append(_finding(about, captioner, ends, "d", "captions", **bounds))
    return found


def _finding(about: str, captioner: str, row: Mapping[str, float], column: str, count: str, **bounds: float) -> Finding:
    return Finding(
        about=about,
        captioner=CAPTIONERS[captioner],
        difference=float(row[column]),
        low=float(row[f"{column}_low"]),
        high=float(row[f"{column}_high"]),
        count=int(row[count]),
        **bounds,
    )


def _table(tables: Mapping[str, pd.DataFrame], name: str, column: str) -> pd.DataFrame:
    """A table; an empty one if there is none, or only a note with the reason."""
    table = tables.get(name, pd.DataFrame())
    return table if column in table else pd.DataFrame()


def _rows(table: pd.DataFrame, **values: object) -> Sequence[Mapping[str, object]]:
    for column, value in values.items():
        table = table[table[column] == value] if column in table else table[:0]
    return table.to_dict("records")


def _frequent(table: pd.DataFrame, **values: object) -> Sequence[Mapping[str, object]]:
    """The rows of Table 2: frequent words, true if a reference has them."""
    return [
        row
        for row in _rows(table, **values)
        if row["words"].endswith("frequent") and row["true"] == "a reference says the word"
    ]


def _name(method: str) -> str:
    return NAMES.get(method, method)


CLAIMS = (
    Claim(
        "C1",
        "Deleting the words that LRP finds lowers a word's probability more than deleting those of any other method, "
        "or random ones",
        "Fig. 5: LRP has the highest frequency and the highest mean drop",
        _c1,
    ),
    Claim(
        "C2",
        "Masking what LRP, Guided Grad-CAM or guided backpropagation finds makes object words vanish more often than "
        "masking what attention or Grad-CAM finds",
        "Fig. 6 left: so for Ada-LSTM",
        _c2,
    ),
    Claim(
        "C3a",
        "Maps of LRP, Guided Grad-CAM and guided backpropagation are at least as correct as attention's",
        "Fig. 6 right: comparable or higher, but for MH-FC's attention",
        _c3a,
    ),
    Claim(
        "C3b", "MH-FC's maps, of the best head, are more correct than Ada-LSTM's", "Fig. 6 right: of all methods", _c3b
    ),
    Claim("C4a", "LRP's negative part is at most half as correct as its positive part", "Fig. 6 right: far less", _c4a),
    Claim(
        "C4b",
        "Guided Grad-CAM's negative part is about as correct as its positive part",
        "Fig. 6 right: both high",
        _c4b,
    ),
    Claim("C5a", "The 5 % quantile of LRP's map tells true from hallucinated words", paper.table_2(), _c5a),
    Claim("C5b", "... at least as well as 1 - beta", paper.table_2(), _c5b),
    Claim(
        "C6a",
        "LRP-IFT raises the precision of frequent object words",
        paper.table_3(),
        _c6a,
    ),
    Claim("C6b", "... more where the bias is stronger", paper.table_3(), _c6b),
    Claim("C7", "LRP-IFT keeps the sentence metrics (CIDEr, within one point)", paper.table_4(), _c7),
    Claim(
        "C8",
        "The images that LRP-IFT improves have rarer words than those it degrades",
        paper.table_5(),
        _c8,
    ),
)
"""In the order of docs/STUDY.md."""
