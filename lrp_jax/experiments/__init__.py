"""The paper's measurements, each a function from a trained model and a dataset to a table."""

import types
from collections.abc import Mapping

from lrp_jax.experiments.captions import Captions
from lrp_jax.experiments.case import Case, cases
from lrp_jax.experiments.causes import Causes
from lrp_jax.experiments.chair import Chair
from lrp_jax.experiments.correctness import Correctness, correctness_of
from lrp_jax.experiments.domain import PHOTOGRAPHS, SCENES, Domain
from lrp_jax.experiments.drawn_away import DrawnAway
from lrp_jax.experiments.experiment import Context, Experiment
from lrp_jax.experiments.faithfulness import faithfulness, gold_effects
from lrp_jax.experiments.frequent_words import FrequentWords
from lrp_jax.experiments.gold_effect import GoldEffect
from lrp_jax.experiments.hallucination import Hallucination
from lrp_jax.experiments.image_ablation import ImageAblation
from lrp_jax.experiments.lrp_ift_gain import LrpIftGain
from lrp_jax.experiments.measure import (
    OtherSettingsError,
    as_markdown,
    measure,
    read_rows,
    rows_of,
    write_rows,
    write_tables,
)
from lrp_jax.experiments.modality_share import ModalityShare
from lrp_jax.experiments.sanity import Sanity
from lrp_jax.experiments.subject import Subject
from lrp_jax.experiments.word_ablation import WordAblation

__all__ = [
    "EXPERIMENTS",
    "PHOTOGRAPHS",
    "SCENES",
    "Captions",
    "Case",
    "Causes",
    "Chair",
    "Context",
    "Correctness",
    "Domain",
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
    "Subject",
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
"""Name -> experiment; its defaults are those of docs/STUDY.md."""
