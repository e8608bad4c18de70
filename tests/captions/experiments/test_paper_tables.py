"""The paper's numbers: their sums, taken from the paper apart from the tables, and what its text says of them."""

import pytest

from lrp_jax.captions.experiments.paper_tables import paper_table

SUMS = {
    1: {"F_BERT": 727.26, "CIDEr": 1074.51, "SPICE": 198.00, "ROUGE-L": 626.77, "METEOR": 293.10},
    2: {"lrp": 2.2809, "guided_grad_cam": 1.9812, "grad_cam": 2.3103, "attention": 2.1211, "guided_backprop": 2.0012},
    3: {"baseline": 1089.62, "LRP-IFT": 1110.27},
    4: {"F_BERT": 2900.7, "CIDEr": 2552.4, "SPICE": 553.5, "ROUGE-L": 1618.7, "METEOR": 751.2},
    5: {"improved": 1226.6, "degraded": 1370.0},
}
SHAPES = {1: (12, 7), 2: (4, 6), 3: (16, 5), 4: (32, 9), 5: (16, 5)}


@pytest.mark.parametrize("number", SUMS)
def test_sums(number):
    table = paper_table(number)
    assert table.shape == SHAPES[number]
    found = table.select_dtypes("number").sum().to_dict()
    assert found == pytest.approx(SUMS[number], abs=1e-6)


def test_what_the_text_says_of_them():
    table = paper_table(3)
    worse = table[table["LRP-IFT"] < table["baseline"]]
    assert (worse["dataset"] == "MSCOCO2017").all() and worse["model"].str.startswith("MH-FC").all() and len(worse) == 3
    # "Except only one", says the text; the table has two.
    table = paper_table(5)
    assert (table["improved"] > table["degraded"]).sum() == 2
    assert paper_table(2)["lrp"].max() == paper_table(2).set_index("statistic").loc["quantile-5%", "lrp"]
    assert paper_table(1)["F_BERT"].isna().sum() == 4 and paper_table(1)["SPICE"].isna().sum() == 1


def test_each_row_stands_once_and_tables_are_fresh():
    for number in (3, 4, 5):
        table = paper_table(number)
        keys = [name for name in ("dataset", "model", "trained", "tuned") if name in table]
        assert not table.duplicated(keys).any()
    table = paper_table(5)
    table.loc[:, "improved"] = 0
    assert paper_table(5)["improved"].min() > 0
    with pytest.raises(ValueError, match="got table 6, wanted one of 1, 2"):
        paper_table(6)
