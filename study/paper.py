"""The paper's results, summarised from the numbers of its tables."""

from lrp_jax.captions.experiments.paper_tables import AUC_OF_ONE_MINUS_BETA, paper_table


def table_2() -> str:
    """Hallucinated words."""
    table = paper_table(2).set_index("statistic")
    return f"Table 2: AUC {table.loc['quantile-5%', 'lrp']:.3f}; of 1 - beta {AUC_OF_ONE_MINUS_BETA:.3f}"


def table_3() -> str:
    """The precision of frequent words."""
    table = paper_table(3)
    gain = table["LRP-IFT"] - table["baseline"]
    means = ", ".join(f"{gain[table['dataset'] == name].mean():+.2f} on {name}" for name in table["dataset"].unique())
    return f"Table 3: higher in {(gain > 0).sum()} of {len(gain)} rows; mean difference in points {means}"


def table_4() -> str:
    """CIDEr."""
    table = paper_table(4)
    keys = ["dataset", "model", "trained"]
    both = table.pivot(index=keys, columns="tuned", values="CIDEr")
    gain = both["LRP-IFT"] - both["baseline"]
    kept = (gain >= -1).sum()
    return (
        f"Table 4: from {gain.min():+.1f} to {gain.max():+.1f} points, within one point in {kept} of {len(gain)} rows"
    )


def table_5() -> str:
    """Counts of the rarest words."""
    table = paper_table(5)
    return f"Table 5: so in {(table['improved'] < table['degraded']).sum()} of {len(table)} rows"
