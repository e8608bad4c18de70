"""Controls for LRP-IFT: the other arms of fine-tuning, and the headroom."""

import pathlib

import pandas as pd

from lrp_jax.captions.runs.arms import ARMS
from study.claims import CAPTIONERS, FREQUENT, STRONG, Tables
from study.plan import PARTS, evaluated
from study.pool import tables_of
from study.verdicts import of_independent

MEASURES = {"CIDEr": "CIDEr", "CHAIRi": "CHAIRi", FREQUENT: "frequent words"}
"""The measures of `lrp_ift_gain` and their names in the table."""


def arms_table(out: pathlib.Path) -> pd.DataFrame:
    """The effect of each arm against plain cross-entropy from the same starts.

    Args:
      out: the folder of the study.

    Returns:
      A row for each captioner, arm and measure: starts, difference, the ends of its 95 % interval; empty if no arm
      except LRP-IFT itself was measured. All arms are compared on the starts of the part "arms".
    """
    seeds = range(PARTS["arms"][0].seeds)
    found = []
    for captioner, name in CAPTIONERS.items():
        for arm in ARMS:
            if arm == "baseline":
                continue
            measured = [
                seed
                for seed in seeds
                if (evaluated(out / f"{captioner}-{STRONG}-{seed}" / f"{arm}-0", STRONG) / "lrp_ift_gain").exists()
            ]
            tables = tables_of(out, captioner, STRONG, f"{arm}-0", "lrp_ift_gain", "baseline-0", measured)
            for row in tables.get("against_baseline", pd.DataFrame()).to_dict("records"):
                if row["measure"] in MEASURES:
                    line = {"captioner": name, "arm": arm, "starts": len(measured), "measure": MEASURES[row["measure"]]}
                    found.append(line | {key: row[key] for key in ("difference", "low", "high")})
    table = pd.DataFrame(found)
    return table if len(table) and set(table["arm"]) != {"lrp"} else pd.DataFrame()


def headroom(tables: Tables) -> pd.DataFrame:
    """The headroom: CHAIRi of starts trained with bias minus CHAIRi of starts trained without, on the same test.

    Returns:
      A row for each captioner and bias: CHAIRi, CHAIRi of the unbiased starts, the difference and its 95 % interval;
      no row if one of the two was not measured.
    """
    found = []
    for captioner, name in CAPTIONERS.items():
        twin = _chair(tables, captioner, "none")
        for world in (STRONG, "weak"):
            biased = _chair(tables, captioner, world)
            if biased and twin:
                gap = of_independent("CHAIRi", captioner, biased, twin)
                line = {"captioner": name, "bias": world, "CHAIRi": biased[0], "CHAIRi of the unbiased twins": twin[0]}
                found.append(line | {"difference": gap.difference, "low": gap.low, "high": gap.high})
    return pd.DataFrame(found)


def _chair(tables: Tables, captioner: str, world: str) -> tuple[float, float, float, int] | None:
    table = tables(captioner, world, "chair").get("chair", pd.DataFrame())
    if "measure" not in table:
        return None
    rows = table[(table["measure"] == "CHAIRi") & (table["truth"] == "objects")].to_dict("records")
    return (rows[0]["value"], rows[0]["low"], rows[0]["high"], rows[0]["n"]) if rows else None
