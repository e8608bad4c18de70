"""Faithfulness in one call: a linear model, whose answers are known by hand, and a small network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

import lrp_jax
from lrp_jax.captions.experiments import faithfulness, gold_effects

# Scores are sums of pixels times weights; gradient x input is what each pixel gives, exactly.
WEIGHTS = np.array([[4.0, -1.0], [2.0, 1.0]])
INPUTS = np.array([[[1.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [2.0, 0.0]], [[2.0, 1.0], [0.0, 3.0]]])[..., None]
TARGETS = np.zeros(3, int)


def f(x):
    score = (np.asarray(x)[..., 0] * WEIGHTS).sum(axis=(1, 2))
    return np.stack([score, -score], axis=1)


def contribution(x, target):
    return (x[..., 0] * WEIGHTS) * (1 if target == 0 else -1)


def found(explain=contribution, **how):
    return faithfulness(f, explain, INPUTS, TARGETS, fill=0.0, steps=4, batch_size=4, **how).set_index("measure")


def test_the_areas_of_a_linear_model_by_hand():
    table = found()
    # Deleted in the order 4, 2, 1, -1: scores 6 2 0 -1 0; 8 4 0 0 0 (or 4 first, of equals); 10 2 -1 -1 0.
    deletion = np.mean([(6 / 2 + 2 + 0 - 1) / 4, (8 / 2 + 4 + 0 + 0) / 4, (10 / 2 + 2 - 1 - 1) / 4])
    insertion = np.mean([(4 + 6 + 7 + 6 / 2) / 4, (4 + 8 + 8 + 8 / 2) / 4, (8 + 11 + 11 + 10 / 2) / 4])
    assert table.loc["deletion", "value"] == pytest.approx(deletion)
    assert table.loc["insertion", "value"] == pytest.approx(insertion)
    assert table.loc["deletion", "low"] <= deletion <= table.loc["deletion", "high"]
    assert table.loc["deletion", "value"] < table.loc["deletion", "chance"] < table.loc["insertion", "value"]
    assert (table["n"] == 3).all() and list(table.index) == ["deletion", "insertion"]
    worst = found(lambda x, target: -contribution(x, target))
    assert worst.loc["deletion", "value"] > table.loc["deletion", "chance"]


def test_localisation_by_hand():
    masks = np.zeros((3, 2, 2), bool)
    masks[:, 0] = True
    table = found(masks=masks)
    # Positive parts: 4 of 7 above; 4 of 8; 8 of 11.
    assert table.loc["inside", "value"] == pytest.approx(np.mean([4 / 7, 4 / 8, 8 / 11]))
    assert table.loc["pointing", "value"] == pytest.approx(np.mean([1, 0.5, 1]))
    assert table.loc["inside", "chance"] == table.loc["pointing", "chance"] == 0.5


def test_gold_effects_are_what_the_score_loses():
    without = np.repeat(INPUTS[:, None], 4, axis=1)
    for k in range(4):
        without[:, k, k // 2, k % 2] = 0
    effects = gold_effects(f, INPUTS, TARGETS, without, batch_size=5)
    np.testing.assert_array_equal(effects, INPUTS.reshape(3, 4) * WEIGHTS.ravel())
    np.testing.assert_array_equal(gold_effects(f, INPUTS, TARGETS + 1, without), -effects)
    parts = np.broadcast_to(np.eye(4, dtype=bool).reshape(1, 4, 2, 2), (3, 4, 2, 2))
    assert found(gold=(parts, effects)).loc["gold", "value"] == pytest.approx(1)
    against = found(lambda x, target: -contribution(x, target), gold=(parts, effects))
    assert against.loc["gold", "value"] == pytest.approx(-1)
    same = found(lambda x, target: np.ones((2, 2)), gold=(parts, effects)).loc["gold"]
    assert (same["value"], same["n"]) == (0, 3)


def test_parts_that_are_not_there_and_inputs_with_too_few_do_not_count():
    parts = np.broadcast_to(np.eye(4, dtype=bool).reshape(1, 4, 2, 2), (3, 4, 2, 2))
    effects = np.array([[4.0, -1, 2, np.nan], [1.0, np.nan, np.nan, 3], [5.0, 5, 5, 5]])
    row = found(gold=(parts, effects)).loc["gold"]
    assert row["n"] == 1 and row["value"] == pytest.approx(1)
    none = found(gold=(parts, np.full((3, 4), np.nan))).loc["gold"]
    assert none["n"] == 0 and np.isnan(none["value"])


def test_relevance_of_channels_is_summed():
    table = found(lambda x, target: contribution(x, target)[..., None])
    assert table["value"].tolist() == found()["value"].tolist()


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda: faithfulness(f, contribution, INPUTS, TARGETS[:2]), "got 3 inputs and 2 targets"),
        (lambda: faithfulness(f, lambda x, t: np.ones(4), INPUTS, TARGETS), r"got an explanation of shape \(4,\)"),
        (lambda: faithfulness(f, lambda x, t: np.full((2, 2), np.nan), INPUTS, TARGETS), "nan or infinity"),
        (lambda: gold_effects(f, INPUTS, TARGETS, INPUTS), "without parts"),
        (lambda: found(gold=(np.ones((3, 2, 2, 2), bool), np.ones((3, 4)))), "got effects of shape"),
    ],
)
def test_what_does_not_fit_is_said(call, match):
    with pytest.raises(ValueError, match=match) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_a_network_that_looks_at_one_corner():
    class CNN(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = nn.relu(nn.Conv(3, (3, 3))(x))
            return nn.Dense(2, use_bias=False)(x[:, :3, :3].mean(axis=(1, 2)))

    net = CNN()
    images = np.random.default_rng(0).random((8, 8, 8, 1)).astype(np.float32)
    params = net.init(jax.random.key(0), images[:1])
    predict = jax.jit(lambda x: net.apply(params, x))
    targets = np.asarray(predict(images)).argmax(axis=1)
    masks = np.zeros((8, 8, 8), bool)
    masks[:, :4, :4] = True  # all that the first 3 x 3 cells can see

    @jax.jit
    def explain(x, target):
        return jax.grad(lrp_jax.lrp(lambda x: predict(x[None])[0, target]))(x)

    table = faithfulness(predict, explain, images, targets, masks=masks, steps=8, batch_size=8).set_index("measure")
    assert table.loc["inside", "value"] == pytest.approx(1)
    assert table.loc["pointing", "value"] == 1 and table.loc["pointing", "chance"] == 0.25
    elsewhere = lambda x, target: jnp.asarray(~masks[0], float)  # noqa: E731
    other = faithfulness(predict, elsewhere, images, targets, steps=8, batch_size=8).set_index("measure")
    assert table.loc["insertion", "value"] > other.loc["insertion", "value"]
