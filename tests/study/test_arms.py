"""The arms beside each other, and the headroom, from tables made by hand."""

import pandas as pd
import pytest

from study import arms
from study.claims import FREQUENT


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A study in which Ada-LSTM has LRP on five starts, and shuffled weights on two."""
    for arm, seeds in {"lrp": range(5), "shuffled": range(2), "baseline": range(5)}.items():
        for seed in seeds:
            folder = tmp_path / f"ada-strong-{seed}" / f"{arm}-0" / "evaluation" / "test_broken" / "lrp_ift_gain"
            folder.mkdir(parents=True)

    def tables_of(out, captioner, world, run, experiment, against, seeds):
        assert (out, world, experiment, against) == (tmp_path, "strong", "lrp_ift_gain", "baseline-0")
        if not seeds:
            return {}
        row = {"difference": len(seeds) / 100, "low": 0.0, "high": 0.1, "captions": 9}
        return {"against_baseline": pd.DataFrame([row | {"measure": name} for name in ("CIDEr", "CHAIRs", FREQUENT)])}

    monkeypatch.setattr(arms, "tables_of", tables_of)
    return tmp_path


def test_arms_are_compared_on_the_starts_of_their_part(measured):
    table = arms.arms_table(measured)
    assert set(table["captioner"]) == {"Ada-LSTM"} and set(table["measure"]) == {"CIDEr", "frequent words"}
    assert table.groupby("arm")["starts"].first().to_dict() == {"lrp": 3, "shuffled": 2}
    assert table.groupby("arm")["difference"].first().to_dict() == {"lrp": 0.03, "shuffled": 0.02}


def test_lrp_alone_needs_no_table(measured):
    for seed in range(2):
        (measured / f"ada-strong-{seed}" / "shuffled-0").rename(measured / f"elsewhere-{seed}")
    assert arms.arms_table(measured).empty


def chair(value, error, count=100):
    ends = {"value": value, "low": value - error, "high": value + error, "n": count}
    wrong = {"value": 9.0, "low": 9.0, "high": 9.0, "n": 1}
    rows = [{"measure": "CHAIRi", "truth": "objects"} | ends, {"measure": "CHAIRs", "truth": "objects"} | wrong]
    return {"chair": pd.DataFrame(rows)}


def test_headroom_is_biased_minus_unbiased():
    tables = {("ada", "strong", "chair"): chair(0.26, 0.03), ("ada", "none", "chair"): chair(0.16, 0.04)}
    table = arms.headroom(lambda *key: tables.get(key, {}))
    [row] = table.to_dict("records")
    assert (row["captioner"], row["bias"]) == ("Ada-LSTM", "strong")
    assert [row[name] for name in ("difference", "low", "high")] == pytest.approx([0.10, 0.05, 0.15])


def test_without_twins_there_is_no_headroom():
    tables = {("ada", "strong", "chair"): chair(0.26, 0.03), ("mhfc", "none", "chair"): {"chair": pd.DataFrame()}}
    assert arms.headroom(lambda *key: tables.get(key, {})).empty
