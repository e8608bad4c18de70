"""The settings of a run with the values that each may have: one table, read before anything starts."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import ml_collections

from lrp_jax.captions.models.ada_lstm import ATTENTION_AXES, GLOBAL_FEATURES
from lrp_jax.captions.runs.arms import INPUTS, LABELS, OMEGAS, PARTS
from lrp_jax.captions.runs.encoders import BOTTOM_UP, IMPORTERS, REGIONS
from lrp_jax.captions.runs.folder import CAPTIONERS
from lrp_jax.captions.runs.settings import SettingsError

OBJECTIVES = ("cross_entropy", "lrp_ift", "scst")


class Range(NamedTuple):
    """Which values a setting may have.

    right: of a value, of any type.
    wanted: the same in words.
    """

    right: Callable[[Any], bool]
    wanted: str


def whole(least: int, most: int | None = None, unit: str = "") -> Range:
    """Integers from `least` on, to `most` if there is an end."""

    def right(value: Any) -> bool:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return is_whole and value >= least and (most is None or value <= most)

    return Range(right, f"a whole number{unit and ' of '}{unit}, {_span(least, most)}")


def number(least: float, most: float = math.inf, *, above: bool = False, below: bool = False) -> Range:
    """Finite numbers from `least` to `most`; `above` and `below` leave the ends out."""

    def right(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        return (value > least if above else value >= least) and (value < most if below else value <= most)

    if most == math.inf:
        return Range(right, f"a number above {least:g}" if above else f"a number, at least {least:g}")
    ends = f"from {least:g} to {most:g}"
    without = " and ".join(f"{end:g}" for end, left_out in ((least, above), (most, below)) if left_out)
    return Range(right, f"a number {ends}, without {without}" if without else f"a number {ends}")


def one_of(*known: str) -> Range:
    """Some words."""
    return Range(lambda value: value in known, "one of " + ", ".join(name or '""' for name in known))


def lengths(least: int) -> Range:
    """At least one integer, each from `least` on."""

    def right(value: Any) -> bool:
        return isinstance(value, Sequence) and bool(value) and all(whole(least).right(item) for item in value)

    return Range(right, f"one or more whole numbers, each at least {least}: a word and <end>")


def _span(least: int, most: int | None) -> str:
    return f"at least {least}" if most is None else f"{least} to {most}"


TEXT = Range(lambda value: isinstance(value, str), "text")
YES_OR_NO = Range(lambda value: isinstance(value, bool), "True or False")
SHARE = number(0, 1)
RATE = number(0, 1, below=True)

RANGES: Mapping[str, Range] = {
    "seed": whole(0, 2**32 - 1),
    "source": TEXT,
    "min_count": whole(1),
    "lengths": lengths(2),
    "features_folder": TEXT,
    "features_dtype": one_of("float16", "float32"),
    "bad_images": one_of("stop", "skip"),
    "encoder": one_of("", "scenes", *IMPORTERS, BOTTOM_UP),
    "encoder_weights": TEXT,
    "regions": one_of(*REGIONS),
    "bottom_up": TEXT,
    "image_size": whole(32, unit="pixels"),
    "captioner": one_of(*CAPTIONERS),
    "hidden": whole(1),
    "embedding": whole(1),
    "feature_scale": number(0, above=True),
    "ada.attention": whole(1),
    "ada.global_feature": one_of(*GLOBAL_FEATURES),
    "ada.attention_axis": one_of(*ATTENTION_AXES),
    "ada.dropout": RATE,
    "ada.embedding_dropout": RATE,
    "mhfc.heads": whole(1),
    "mhfc.query_projection": YES_OR_NO,
    "mhfc.dropout": RATE,
    "mhfc.embedding_dropout": RATE,
    "objective": one_of(*OBJECTIVES),
    "init_from": TEXT,
    "own_words": SHARE,
    "encoder_learning_rate": number(0),
    "jitter": RATE,
    "flip": SHARE,
    "scst.baseline": one_of("greedy", "leave_one_out"),
    "scst.samples": whole(1),
    "scst.mean_over": one_of("words", "captions"),
    "scst.reweighted": YES_OR_NO,
    "arm.ce_share": SHARE,
    "arm.omega": one_of(*OMEGAS),
    "arm.parts": one_of(*PARTS),
    "arm.label": one_of(*LABELS),
    "arm.focal_gamma": number(0),
    "arm.inputs": one_of(*INPUTS),
    "arm.seed": whole(0, 2**32 - 1),
    "batch_size": whole(1),
    "epochs": whole(1),
    "learning_rate": number(0, above=True),
    "b1": RATE,
    "b2": RATE,
    "clip": number(0, above=True),
    "schedule": one_of("plateau", "linear"),
    "anneal_factor": number(0, 1, above=True),
    "anneal_after": whole(1, unit="epochs"),
    "least_learning_rate": number(0),
    "stop_after": whole(1, unit="epochs"),
    "beam": whole(1),
    "evaluation_batch_size": whole(1),
    "accumulate": whole(1),
    "compute_dtype": one_of("float32", "bfloat16"),
    "loader_threads": whole(0, unit="threads"),
    "log_every": whole(1, unit="steps"),
    "keep": whole(1),
    "checkpoint_every": whole(0, unit="steps"),
}
"""Every setting of `paper_settings` by its dotted name, and those of the captioners that a config may add."""


def check_ranges(config: ml_collections.ConfigDict) -> None:
    """Refuses a value that a setting cannot have.

    Args:
      config: the settings; those that are not in `RANGES` are somebody's own and may be anything.

    Raises:
      SettingsError: with the setting, what was got and what was wanted.
    """
    for name, range_ in RANGES.items():
        found = _find(config, name)
        if found is not None and not range_.right(found[0]):
            raise SettingsError(f"config.{name} is {found[0]!r}: wanted {range_.wanted}")


def check_together(config: ml_collections.ConfigDict) -> None:
    """Refuses values that do not go together; each for itself is in its range.

    Args:
      config: all settings of the run, those too that it has from the one that it starts from.

    Raises:
      SettingsError: with the settings, and what was wanted.
    """
    if config.captioner == "mhfc" and config.hidden % config.mhfc.heads:
        raise SettingsError(
            f"config.mhfc.heads is {config.mhfc.heads}: wanted a divisor of config.hidden, which is {config.hidden}"
        )
    if config.objective == "scst":
        if config.scst.baseline == "leave_one_out" and config.scst.samples < 2:
            raise SettingsError(
                f"config.scst.samples is {config.scst.samples}: wanted at least 2 for "
                'config.scst.baseline="leave_one_out", which compares a caption with the others'
            )
        if config.scst.reweighted and config.arm.label == "target":
            raise SettingsError(
                'config.arm.label is "target": wanted "argmax" with config.scst.reweighted, as decoding knows no target'
            )


def _find(config: ml_collections.ConfigDict, name: str) -> tuple[Any] | None:
    """The value of a dotted name; None if the config does not have it."""
    for part in name.split("."):
        if not isinstance(config, ml_collections.ConfigDict) or part not in config:
            return None
        config = config[part]
    return (config,)
