"""Claims look their numbers up in tables; these are made by hand, in the form that the experiments give them."""

import pandas as pd
import pytest

from study.claims import CLAIMS, FREQUENT
from study.figures import keep_figures
from study.page import page, parts_table, summary
from study.plan import PARTS, commands
from study.verdicts import Finding, together

BY_NAME = {claim.name: claim for claim in CLAIMS}


def findings(claim, tables):
    return BY_NAME[claim].findings(lambda *key: tables.get(key, {}), "strong")


def ends(name, value, error=0.01):
    return {name: value, f"{name}_low": value - error, f"{name}_high": value + error}


def test_nothing_measured_is_no_verdict():
    for claim in CLAIMS:
        assert findings(claim.name, {}) == [] and together([]) == "not measured"


def test_a_note_in_place_of_a_table_is_no_verdict():
    note = pd.DataFrame([{"note": "no caption names an object"}])
    for name, experiment, table in (
        ("C2", "image_ablation", "image_ablation"),
        ("C3b", "correctness", "correctness"),
        ("C5a", "hallucination", "hallucination"),
        ("C6a", "lrp_ift_gain", "missing"),
    ):
        assert findings(name, {("ada", "strong", experiment): {table: note}}) == []


def test_c1_takes_deleted_object_and_stop_words():
    rows = [
        {"kind": kind, "how": how, "method": "lrp", "minus": minus, "words": 30, **ends("drop", 0.2), **ends("fell", 0)}
        for kind in ("all", "object", "stop", "other")
        for how in ("deleted", "unk")
        for minus in ("gradient_x_input", "gradient", "random", "random_published", "last")
    ]
    found = findings("C1", {("mhfc", "strong", "word_ablation"): {"word_ablation_differences": pd.DataFrame(rows)}})
    assert len(found) == 6 and {one.captioner for one in found} == {"MH-FC"}
    assert {one.verdict for one in found} == {"holds"} and found[0].difference == 0.2 and found[0].count == 30


def test_c2_turns_differences_that_are_the_other_way_round():
    rows = [
        {"method": "lrp", "minus": "attention", "count": 9, **ends("vanished", 0.3)},
        {"method": "grad_cam", "minus": "guided_backprop", "count": 9, **ends("vanished", 0.1, 0.02)},
    ]
    tables = {("ada", "strong", "image_ablation"): {"image_ablation_differences": pd.DataFrame(rows)}}
    lrp, guided = findings("C2", tables)
    assert lrp.verdict == "holds"
    assert (guided.difference, guided.low, guided.high) == pytest.approx((-0.1, -0.12, -0.08))
    assert guided.verdict == "fails" and "guided backpropagation - by Grad-CAM" in guided.about


def test_c3_and_c4_go_through_the_heads_that_the_page_names():
    rows = [
        {"of": of, "minus": minus, "through": through, "words": 5, **ends("difference", value)}
        for through, value in (("all heads", -0.015), ("best head", 0.3), ("validated head", 7.0))
        for of, minus in (
            ("lrp", "attention"), ("guided_grad_cam", "its negative part"), ("half of lrp", "its negative part"),
        )
    ]  # fmt: skip
    table = {"correctness_differences": pd.DataFrame(rows)}
    tables = {("ada", "strong", "correctness"): table, ("mhfc", "strong", "correctness"): table}
    ada, mhfc = findings("C3a", tables)
    assert (ada.difference, ada.bound, ada.verdict) == (-0.015, -0.02, "undecided")
    assert (mhfc.difference, mhfc.verdict) == (0.3, "holds")
    assert [one.difference for one in findings("C4a", tables)] == [-0.015] * 2
    assert [one.verdict for one in findings("C4b", tables)] == ["holds"] * 2  # within 0.05 of each other


def test_c5_is_about_the_frequent_words_by_references():
    about = [
        {"words": words, "true": true}
        for words in ("20 frequent", "all")
        for true in ("a reference says the word", "the object is there")
    ]
    counts = {"true_mentions": 60, "false_mentions": 40}
    areas = [
        row | {"method": "lrp", "statistic": statistic, "AUC": area, "low": area - 0.05, "high": area + 0.05} | counts
        for row, area in zip(about, (0.6, 0.2, 0.3, 0.4), strict=True)
        for statistic in ("quantile-5%",)
    ]
    against = [
        row | {"AUC of": "lrp quantile-5%", "minus": minus, "difference": 0.0, "low": -0.01, "high": 0.01} | counts
        for row in about
        for minus in ("1 - beta", "log p")
    ]
    tables = {"hallucination": pd.DataFrame(areas), "hallucination_differences": pd.DataFrame(against)}
    (area,) = findings("C5a", {("ada", "strong", "hallucination"): tables})
    assert (area.difference, area.low, area.count, area.verdict) == pytest.approx((0.1, 0.05, 100, "holds"))
    (difference,) = findings("C5b", {("ada", "strong", "hallucination"): tables})
    assert difference.bound == -0.02 and difference.verdict == "holds"


def test_c6_to_c8_are_against_the_matched_baseline():
    def of(precision, cider):
        rows = [("CIDEr", cider), ("CHAIRi", 1.0), (FREQUENT, precision)]
        table = [{"measure": m, "difference": d, "low": d - 0.003, "high": d + 0.003, "captions": 70} for m, d in rows]
        gain = {"difference": 12.0, "low": 3.0, "high": 20.0, "captions_improved": 30, "captions_degraded": 31}
        gains = [{"references": "rarest"} | gain, {"references": "mean"} | gain | {"difference": -5.0}]
        return {"against_baseline": pd.DataFrame(table), "lrp_ift_gain": pd.DataFrame(gains)}

    tables = {("ada", "strong", "lrp_ift_gain"): of(0.02, -0.005), ("ada", "weak", "lrp_ift_gain"): of(0.01, -0.02)}
    (c6a,), (c6b,), (c7,), (c8,) = (findings(name, tables) for name in ("C6a", "C6b", "C7", "C8"))
    assert (c6a.difference, c6a.verdict) == (0.02, "holds")
    assert c6b.difference == pytest.approx(0.01) and c6b.verdict == "holds"
    assert (c7.bound, c7.verdict) == (-0.01, "holds")
    assert (c8.difference, c8.count, c8.verdict) == (12.0, 61, "holds")


def test_the_page_says_what_is_there_and_what_is_not(tmp_path):
    rows = [{"of": "half of lrp", "minus": "its negative part", "through": "all heads", "words": 5}]
    table = pd.DataFrame([rows[0] | ends("difference", 0.1)])
    text = page(
        lambda captioner, bias, experiment: (
            {"correctness_differences": table}
            if (captioner, bias, experiment) == ("ada", "strong", "correctness")
            else {}
        ),
        tmp_path,
    )
    verdicts = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| C")}
    assert (
        "**holds**" in verdicts["C4a"]
        and "**not measured**" in verdicts["C4a"]
        and "**not measured**" in verdicts["C1"]
    )
    assert "0.090 to 0.110" in text and "Table 2: AUC 0.602; of 1 - beta 0.601" in text
    assert "higher in 13 of 16 rows" in verdicts["C6a"]


def test_a_summary_counts_the_comparisons():
    def of(low, high):
        return Finding(about="a", captioner="b", difference=(low + high) / 2, low=low, high=high, count=9)

    assert summary([]) == "**not measured**"
    assert summary([of(0.1, 0.2)]) == "**holds**"
    assert summary([of(0.1, 0.2), of(-0.1, 0.2)]) == "**undecided** (1 of 2 hold)"
    assert summary([of(0.1, 0.2), of(-0.3, -0.1), of(-0.1, 0.2)]) == "**fails** (1 of 3 hold, 1 fail)"


def test_figures_are_drawn_of_what_was_measured_and_are_the_same_each_time(tmp_path):
    bars = [
        {"of": of, "kind": kind, "method": method, "words": 9}
        | ends("rho", value)
        | ends("rho_mean", value)
        | ends("rho_positive", value)
        for of, kind in (("objects", "object"), ("words", "all"))
        for method, value in (("lrp", 0.4), ("gradient", 0.1))
    ]
    measured = {("ada", "strong", "gold_effect"): {"gold_effect": pd.DataFrame(bars)}}

    def tables(*key):
        return measured.get(key, {})

    for folder in ("one", "two"):
        keep_figures(tables, tmp_path / folder)
    (one,) = (tmp_path / "one").rglob("*.png")
    assert one.relative_to(tmp_path / "one").as_posix() == "ada-strong/gold_effect.png"
    assert one.read_bytes() == (tmp_path / "two" / "ada-strong" / "gold_effect.png").read_bytes()
    assert "(results/ada-strong/gold_effect.png)" in page(tables, tmp_path)


def test_the_page_begins_with_what_became_of_hallucination(tmp_path):
    rows = {
        "measure": "CHAIRi",
        "baseline": 0.28,
        "fine_tuned": 0.26,
        "difference": -0.02,
        "captions": 9,
        "error": 0.01,
    }
    less, unsure = ({**rows, "low": -0.03, "high": high} for high in (-0.01, 0.01))
    tables = {
        ("mhfc", world, "lrp_ift_gain"): {"against_baseline": pd.DataFrame([row])}
        for world, row in (("strong", less), ("photographs", unsure))
    }
    text = page(lambda *key: tables.get(key, {}), tmp_path)
    first = text[text.index("## Does LRP") : text.index("## Claims")]
    told = [line.split("|")[-2].strip() for line in first.splitlines() if line.startswith("| MH-FC")]
    assert told == ["less", "undecided"] and "-0.030 to -0.010" in first


def test_the_page_says_how_much_was_run(tmp_path):
    def done():
        return parts_table(tmp_path).set_index("part")["done"].to_dict()

    assert set(done()) == set(PARTS) and not any(done().values())
    mark, _ = next(commands(PARTS["small"][0], next(PARTS["small"][0].starts()), tmp_path))
    mark.parent.mkdir(parents=True)
    mark.touch()
    # The first training of the small part belongs to these as well.
    assert {name for name, count in done().items() if count == 1} == {"small", "arms", "full"}
