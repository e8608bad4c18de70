"""Every setting has a range, and a value outside of it ends a run before it has begun."""

import dataclasses

import ml_collections
import pytest

from lrp_jax.captions.models import MHFC, AdaLSTM
from lrp_jax.captions.runs.arms import ARMS
from lrp_jax.captions.runs.configs import settings_of
from lrp_jax.captions.runs.settings import SettingsError, paper_settings
from lrp_jax.captions.training import train_and_evaluate
from lrp_jax.captions.training.ranges import RANGES, check_ranges, check_together


def flat(config, prefix=""):
    for name, value in config.items():
        if isinstance(value, ml_collections.ConfigDict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def with_setting(name, value, **others):
    config = paper_settings()
    for dotted, given in {**others, name: value}.items():
        *groups, last = dotted.replace("__", ".").split(".")
        place = config
        for group in groups:
            place = place[group]
        with place.ignore_type():
            place[last] = given
    return config


def test_every_setting_has_a_range_and_the_papers_are_inside():
    names = set(flat(paper_settings()))
    assert names <= set(RANGES)
    check_ranges(paper_settings())
    check_together(paper_settings())
    # What is there besides are fields of the captioners, which a config may add.
    fields = {f"ada.{field.name}" for field in dataclasses.fields(AdaLSTM)} | {
        f"mhfc.{field.name}" for field in dataclasses.fields(MHFC)
    }
    assert set(RANGES) - names <= fields


@pytest.mark.parametrize("name", sorted(ARMS))
def test_the_arms_are_inside(name):
    check_ranges(with_setting("arm", ml_collections.ConfigDict(dataclasses.asdict(ARMS[name]))))


WRONG = [
    ("batch_size", (0, -8, 2.5, True, "32")),
    ("evaluation_batch_size", (0,)),
    ("accumulate", (0,)),
    ("lengths", ((), (0,), (1,), (10, -1), (9.5,), 10)),
    ("hidden", (0, -1)),
    ("embedding", (0,)),
    ("ada.attention", (0,)),
    ("ada.dropout", (1.0, -0.1, float("nan"))),
    ("ada.global_feature", ("median",)),
    ("mhfc.dropout", (1.5,)),
    ("mhfc.heads", (0,)),
    ("log_every", (0,)),
    ("keep", (0,)),
    ("checkpoint_every", (-1,)),
    ("beam", (0, -3)),
    ("epochs", (0,)),
    ("learning_rate", (0.0, -1.0, float("nan"), float("inf"))),
    ("least_learning_rate", (-1.0,)),
    ("encoder_learning_rate", (-1e-4,)),
    ("clip", (0.0, -0.1)),
    ("b1", (1.0,)),
    ("b2", (-0.5, 1.0)),
    ("anneal_factor", (0.0, 1.5)),
    ("anneal_after", (0,)),
    ("stop_after", (0,)),
    ("own_words", (2.0, -0.5)),
    ("flip", (1.5,)),
    ("jitter", (1.0, -0.2)),
    ("min_count", (0,)),
    ("image_size", (0, 16)),
    ("feature_scale", (0.0, float("inf"))),
    ("loader_threads", (-1,)),
    ("seed", (-1, 2**32)),
    ("schedule", ("cosine",)),
    ("bad_images", ("ignore",)),
    ("features_dtype", ("float8",)),
    ("compute_dtype", ("float16",)),
    ("captioner", ("transformer",)),
    ("encoder", ("alexnet",)),
    ("regions", ("boxes",)),
    ("objective", ("reward",)),
    ("scst.baseline", ("mean",)),
    ("scst.samples", (0,)),
    ("scst.mean_over", ("images",)),
    ("scst.reweighted", ("yes",)),
    ("arm.ce_share", (1.5, -0.1)),
    ("arm.omega", ("cam",)),
    ("arm.focal_gamma", (-1.0,)),
    ("arm.seed", (-1,)),
]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG for value in values])
def test_a_value_outside_is_refused_in_a_line(name, value):
    with pytest.raises(SettingsError) as refusal:
        check_ranges(with_setting(name, value))
    message = str(refusal.value)
    assert message.startswith(f"config.{name} is {value!r}: wanted ")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"captioner": "mhfc", "hidden": 16, "mhfc__heads": 3}, "config.mhfc.heads is 3: wanted a divisor of"),
        ({"objective": "scst", "scst__baseline": "leave_one_out"}, "config.scst.samples is 1: wanted at least 2"),
        ({"objective": "scst", "scst__reweighted": True, "arm__label": "target"}, 'config.arm.label is "target"'),
    ],
)
def test_values_that_do_not_go_together_are_refused(settings, message):
    (first, value), *others = settings.items()
    with pytest.raises(SettingsError) as refusal:
        check_together(with_setting(first, value, **dict(others)))
    assert str(refusal.value).startswith(message)


def test_nothing_is_read_or_written_before(tmp_path):
    config = with_setting("beam", 0, source="folder:nowhere", init_from=str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match=r"config\.beam is 0"):
        train_and_evaluate(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_settings_of_somebody_else_are_let_be():
    config = paper_settings()
    config.my_note = "first trial"
    config.ada.attention_axis = "position"
    check_ranges(config)
    del config.jitter  # as in the config of an earlier version
    check_ranges(config)


def test_the_configs_of_the_package_are_inside():
    for name in ("ada_scenes", "ada_cnn", "mhfc_bu", "photos", "scst", "lrp_ift", "lrp_ift_scst", "fine_tune_encoder"):
        check_ranges(settings_of(name))
