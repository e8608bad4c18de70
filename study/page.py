"""The page of results, docs/RESULTS.md, as text: everything on it comes from the tables."""

import json
import math
import pathlib
from collections.abc import Iterable, Sequence

import pandas as pd

from lrp_jax.captions.experiments import as_markdown
from lrp_jax.captions.experiments.bars import NAMES
from study.arms import arms_table, headroom
from study.claims import CAPTIONERS, CLAIMS, STRONG, Tables
from study.figures import drawn
from study.plan import (
    CAUSES_IMAGES,
    HALLUCINATION_IMAGES,
    IMAGES,
    MAPPED,
    PARTS,
    PHOTOGRAPH_IMAGES,
    PHOTOGRAPHS,
    SANITY_IMAGES,
    WORLDS,
    commands,
    evaluated,
)
from study.verdicts import Finding, together

HEAD = """# Results

What the study of [STUDY.md](STUDY.md) found. The page is written by `python -m study.results` from result files
(`docs/results/`). Claims, measures and the rules of the verdicts were fixed before it was run; what was changed later
is listed there. Every difference stands with its 95 % interval; "smallest" is the smallest effect that could have been
seen with power 0.8. A claim about several comparisons holds if each of them does, and fails if one does.
"""


def page(tables: Tables, out: pathlib.Path) -> str:
    """The text of docs/RESULTS.md."""
    found = [(claim, {world: claim.findings(tables, world) for world in (STRONG, PHOTOGRAPHS)}) for claim in CLAIMS]
    parts = [HEAD, *_answer(tables), "## Claims\n"]
    overview = [
        {
            "": claim.name,
            "claim": claim.says,
            "on scenes": summary(findings[STRONG]),
            "on photographs": summary(findings[PHOTOGRAPHS]),
            "paper": claim.paper,
        }
        for claim, findings in found
    ]
    parts.append(as_markdown(pd.DataFrame(overview)))
    parts.append("On photographs C6 to C8 are underpowered, and C6b has no weaker bias to compare with.\n")
    parts += ["## What was run\n", as_markdown(runs_table(out)), as_markdown(parts_table(out))]
    parts.append(
        f"Maps are of the first {IMAGES} images of the broken test split (sanity: {SANITY_IMAGES}, hallucination: "
        f"{HALLUCINATION_IMAGES}, causes: {CAUSES_IMAGES}) and of the first {PHOTOGRAPH_IMAGES[0]} photographs of each "
        f"fold ({PHOTOGRAPH_IMAGES[1]} for correctness and image ablation, all for hallucination); captions are of "
        "all. [STUDY.md](STUDY.md) has the settings.\n"
    )
    parts.append("## Claim by claim\n")
    for claim, findings in found:
        parts.append(f"### {claim.name}: {claim.says}\n\nPaper: {claim.paper}.\n")
        for world, name in ((STRONG, "scenes"), (PHOTOGRAPHS, "photographs")):
            parts.append(f"On {name}: **{together(findings[world])}**.\n")
            if findings[world]:
                parts.append(as_markdown(findings_table(findings[world])))
    parts += [*_captioners(tables), *_told_apart(tables, out), *_beyond(tables), *_published(tables), *_figures(tables)]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _answer(tables: Tables) -> list[str]:
    """What LRP-IFT did to the share of objects named that are not there."""
    lines = []
    for captioner, name in CAPTIONERS.items():
        for world in WORLDS:
            row = _one(
                tables(captioner, world, "lrp_ift_gain").get("against_baseline", pd.DataFrame({"measure": []})),
                measure="CHAIRi",
            )
            if row is not None:
                less = Finding(
                    about="CHAIRi",
                    captioner=name,
                    difference=-row["difference"],
                    low=-row["high"],
                    high=-row["low"],
                    count=row["captions"],
                )
                said = {"holds": "less", "fails": "more"}.get(less.verdict, "undecided")
                line = {"captioner": name, "world": world, "baseline": row["baseline"], "LRP-IFT": row["fine_tuned"]}
                ends = interval(row["low"], row["high"])
                lines.append(line | {"difference": row["difference"], "95 % interval": ends, "hallucination": said})
    if not lines:
        return []
    return [
        "## Does LRP inference fine-tuning reduce hallucination?\n",
        "CHAIRi, the share of the objects named that are not in the image, after an epoch of LRP-IFT and after one of "
        "plain cross-entropy from the same start. The worlds are drawn scenes with a strong, a weak or no bias, and "
        "photographs.\n",
        as_markdown(pd.DataFrame(lines)),
    ]


def summary(findings: Sequence[Finding]) -> str:
    """The verdict of a claim, and of how many comparisons it is made."""
    verdicts = [finding.verdict for finding in findings]
    text = f"**{together(findings)}**"
    if len(verdicts) < 2:
        return text
    counts = [f"{verdicts.count('holds')} of {len(verdicts)} hold"]
    if "fails" in verdicts:
        counts.append(f"{verdicts.count('fails')} fail")
    return f"{text} ({', '.join(counts)})"


def findings_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """The comparisons of a claim."""
    return pd.DataFrame(
        [
            {
                "comparison": finding.about,
                "captioner": finding.captioner,
                "n": finding.count,
                "difference": finding.difference,
                "95 % interval": interval(finding.low, finding.high),
                "claimed": f"above {finding.bound:g}" if finding.within is None else f"within ±{finding.within:g}",
                "smallest": finding.smallest,
                "verdict": finding.verdict,
            }
            for finding in findings
        ]
    )


def runs_table(out: pathlib.Path) -> pd.DataFrame:
    """How many starts of each kind are trained and measured."""
    table = []
    for captioner, name in CAPTIONERS.items():
        for world in WORLDS:
            folders = sorted(out.glob(f"{captioner}-{world}-*"))
            split = "test" if world == PHOTOGRAPHS else "test_broken"
            scores = [
                json.loads(path.read_text())[f"cider/{split}"]
                for path in (folder / "start" / "results.json" for folder in folders)
                if path.exists()
            ]
            if scores:
                explained = sum((evaluated(f / "start", world) / MAPPED[0] / "rows.csv").exists() for f in folders)
                tuned = sum((evaluated(f / "lrp-0", world) / "lrp_ift_gain" / "rows.csv").exists() for f in folders)
                row = {"captioner": name, "world": world, "starts": len(scores), "explained": explained}
                row |= {"fine-tuned": tuned, "CIDEr of the starts": " ".join(f"{score:.3f}" for score in scores)}
                table.append(row)
    return pd.DataFrame(table or [{"captioner": "none yet"}])


def parts_table(out: pathlib.Path) -> pd.DataFrame:
    """How much of each part of the study is done; a run that two parts share counts for both."""
    table = []
    for name, parts in PARTS.items():
        marks = [
            mark
            for part in parts
            for start in part.starts(data=pathlib.Path("photographs"))
            for mark, _ in commands(part, start, out)
        ]
        table.append({"part": name, "trainings and measurements": len(marks), "done": sum(m.exists() for m in marks)})
    return pd.DataFrame(table)


def interval(low: float, high: float) -> str:
    """The ends as text; a dash where nothing was measured."""
    return "–" if math.isnan(low) or math.isnan(high) else f"{low:.3f} to {high:.3f}"


def _captioners(tables: Tables) -> list[str]:
    """Tables 1 and 4: the sentence metrics, and what fine-tuning changed."""
    parts = ["## The captioners\n"]
    for captioner, name in CAPTIONERS.items():
        for world in (STRONG, PHOTOGRAPHS):
            found = tables(captioner, world, "captions")
            if "measure" in found.get("captions", ()):
                parts += [f"{name}, starts, {world}:\n", as_markdown(_short(found["captions"]))]
            if len(found.get("missing", ())):
                parts += ["Not measured:\n", as_markdown(found["missing"])]
    parts.append("## What LRP-IFT changed, against the matched baseline\n")
    for captioner, name in CAPTIONERS.items():
        for world in WORLDS:
            found = tables(captioner, world, "lrp_ift_gain").get("against_baseline", pd.DataFrame())
            if "measure" in found:
                parts += [f"{name}, {world}:\n", as_markdown(_short(found))]
    parts.append(
        "CHAIRi and CHAIRs: less is better. The baseline is one epoch of plain cross-entropy from the same start, with "
        "the same captions in the same order.\n"
    )
    return parts


def _told_apart(tables: Tables, out: pathlib.Path) -> list[str]:
    """The other arms of fine-tuning, and how much there is to gain; nothing where nothing was measured."""
    parts = []
    arms = arms_table(out)
    if len(arms):
        parts += [
            "## The other arms of fine-tuning\n",
            "Against the matched baseline, on the starts of the part `arms` ([TRAINING.md](TRAINING.md): what each arm "
            "is). Where `shuffled` or `uniform` weights do as much as `lrp`, it was not the relevance that did it; "
            "where `gradient_x_input` does, it did not need LRP.\n",
            as_markdown(_short(arms)),
        ]
    gaps = headroom(tables)
    if len(gaps):
        parts += [
            "## How much there is to gain\n",
            "CHAIRi of captioners of a biased world minus that of captioners of the unbiased one, on the broken test: "
            "all that fine-tuning could win back by unlearning the bias.\n",
            as_markdown(_short(gaps)),
        ]
    return parts


def _beyond(tables: Tables) -> list[str]:
    """The rank correlation with the gold effect, sanity, modality."""
    parts = ["## Do maps tell what the model used?\n"]
    parts.append(
        "Rank correlation of each method's relevance with the gold effect: the change of log p when the object is "
        "drawn away, or the preceding word replaced.\n"
    )
    for captioner, name in CAPTIONERS.items():
        found = tables(captioner, "strong", "gold_effect").get("gold_effect", pd.DataFrame())
        if "rho" in found:
            chosen = found[found["kind"].isin(["object", "all"])]
            parts += [f"{name}:\n", as_markdown(_short(chosen))]
    for experiment, title in (
        ("sanity", "Sanity: conservation and randomised parameters"),
        ("modality_share", "Image or words?"),
        ("causes", "What hallucinated words rest on (Fig. 8)"),
    ):
        parts.append(f"## {title}\n")
        for captioner, name in CAPTIONERS.items():
            for table_name, table in tables(captioner, "strong", experiment).items():
                if table_name == "causes_examples":
                    continue
                parts += [f"{name}, {table_name.replace('_', ' ')}:\n", as_markdown(_short(table))]
    return parts


def _published(tables: Tables) -> list[str]:
    """What the published code computes in another way, and what difference it makes."""
    parts = ["## What was published differently, and what difference it makes\n"]
    for captioner, name in CAPTIONERS.items():
        lines = [*_published_maps(tables, captioner), *_published_words(tables, captioner)]
        if lines:
            parts += [f"{name}:\n", as_markdown(pd.DataFrame(lines))]
    parts.append(
        "Maps summed over the words before: the published code never clears the gradient of the image between words. "
        "Best and worst mention: Table 2 takes the maximum over the mentions of a true word and the minimum over those "
        "of a false one. Best box, rectified first: correctness as published. Random words: the published choice never "
        "takes the last word. [More](paper-and-published-code.md).\n"
    )
    return parts


def _published_maps(tables: Tables, captioner: str) -> list[dict[str, object]]:
    lines = []
    found = tables(captioner, "strong", "correctness")
    means, published = (found.get(name, pd.DataFrame()) for name in ("correctness", "correctness_published"))
    if "method" in means and "method" in published:
        for method in ("lrp", "lrp_running_sum"):
            ours = _one(means, method=method, through="all heads")
            theirs = _one(published, method=method, through="all heads")
            if ours is not None and theirs is not None:
                lines.append(_line("correctness", method, ours, "correctness", "paper: union of boxes"))
                lines.append(
                    _line("correctness", method, theirs, "correctness", "published: best box, rectified first")
                )
    found = tables(captioner, "strong", "hallucination")
    for table, how in (
        ("hallucination", "one value per mention"),
        ("hallucination_published", "best and worst mention"),
    ):
        areas = found.get(table, pd.DataFrame())
        if "AUC" not in areas:
            continue
        areas = areas[areas["words"].str.endswith("frequent") & (areas["true"] == "a reference says the word")]
        for method in ("lrp", "lrp_running_sum"):
            row = _one(areas, method=method, statistic="quantile-5%")
            if row is not None:
                renamed = row | {"AUC_low": row["low"], "AUC_high": row["high"]}
                lines.append(_line("AUC of the 5 % quantile", method, renamed, "AUC", how))
    return lines


def _published_words(tables: Tables, captioner: str) -> list[dict[str, object]]:
    table = tables(captioner, "strong", "word_ablation").get("word_ablation", pd.DataFrame())
    lines = []
    for method in ("random", "random_published"):
        row = _one(table, kind="all", how="deleted", method=method) if "how" in table else None
        if row is not None:
            lines.append(_line("mean drop without three random words", method, row, "drop", ""))
    return lines


def _figures(tables: Tables) -> list[str]:
    links = [f"![{one.title}](results/{one.path})\n" for one in drawn(tables)]
    return ["## Figures\n", *links] if links else []


def _line(measure: str, method: str, row: dict, column: str, how: str) -> dict[str, object]:
    ends = interval(row[f"{column}_low"], row[f"{column}_high"])
    return {
        "measure": measure,
        "map": NAMES.get(method, method),
        "how": how,
        "value": row[column],
        "95 % interval": ends,
    }


def _one(table: pd.DataFrame, **values: object) -> dict | None:
    for column, value in values.items():
        table = table[table[column] == value]
    return table.iloc[0].to_dict() if len(table) else None


def _short(table: pd.DataFrame) -> pd.DataFrame:
    """A table for a page: the ends of an interval in one column, methods by their names."""
    short = table.copy()
    for column in [name.removesuffix("_low") for name in table.columns if name.endswith("_low")]:
        ends = zip(table[f"{column}_low"], table[f"{column}_high"], strict=True)
        place = short.columns.get_loc(f"{column}_low")
        short = short.drop(columns=[f"{column}_low", f"{column}_high"])
        short.insert(place, f"{column} 95 %", [interval(*pair) for pair in ends])
    if {"low", "high"} <= set(short.columns):
        place = short.columns.get_loc("low")
        ends = [interval(*pair) for pair in zip(table["low"], table["high"], strict=True)]
        short = short.drop(columns=["low", "high"])
        short.insert(place, "95 % interval", ends)
    for column in ("method", "minus"):
        if column in short:
            short[column] = [NAMES.get(value, value) for value in short[column]]
    return short
