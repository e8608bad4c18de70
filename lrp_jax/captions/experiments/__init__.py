"""The experiments of the paper: each measures a trained model on a dataset and makes tables."""

import types
from collections.abc import Mapping

from lrp_jax.captions.experiments.captions import Captions
from lrp_jax.captions.experiments.case import Case, cases
from lrp_jax.captions.experiments.causes import Causes
from lrp_jax.captions.experiments.chair import Chair
from lrp_jax.captions.experiments.correctness import Correctness, correctness_of
from lrp_jax.captions.experiments.drawn_away import DrawnAway
from lrp_jax.captions.experiments.experiment import Context, Experiment
from lrp_jax.captions.experiments.faithfulness import faithfulness, gold_effects
from lrp_jax.captions.experiments.frequent_words import FrequentWords
from lrp_jax.captions.experiments.gold_effect import GoldEffect
from lrp_jax.captions.experiments.hallucination import Hallucination
from lrp_jax.captions.experiments.image_ablation import ImageAblation
from lrp_jax.captions.experiments.lrp_ift_gain import LrpIftGain
from lrp_jax.captions.experiments.measure import (
    OtherSettingsError,
    as_markdown,
    measure,
    read_rows,
    rows_of,
    write_rows,
    write_tables,
)
from lrp_jax.captions.experiments.modality_share import ModalityShare
from lrp_jax.captions.experiments.sanity import Sanity
from lrp_jax.captions.experiments.word_ablation import WordAblation

__all__ = [
    "EXPERIMENTS",
    "Captions",
    "Case",
    "Causes",
    "Chair",
    "Context",
    "Correctness",
    "DrawnAway",
    "Experiment",
    "FrequentWords",
    "GoldEffect",
    "Hallucination",
    "ImageAblation",
    "LrpIftGain",
    "ModalityShare",
    "OtherSettingsError",
    "Sanity",
    "WordAblation",
    "as_markdown",
    "cases",
    "correctness_of",
    "faithfulness",
    "gold_effects",
    "measure",
    "read_rows",
    "rows_of",
    "write_rows",
    "write_tables",
]

_KINDS = (
    Captions,
    WordAblation,
    ImageAblation,
    Correctness,
    Hallucination,
    FrequentWords,
    Chair,
    LrpIftGain,
    GoldEffect,
    Sanity,
    ModalityShare,
    Causes,
)

EXPERIMENTS: Mapping[str, type[Experiment]] = types.MappingProxyType({kind.name: kind for kind in _KINDS})
"""The experiments by name; their defaults are those of docs/STUDY.md."""
