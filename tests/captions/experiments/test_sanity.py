"""Conservation against the audit, and what the randomisation of parameters changes."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from small_speaker import small_scenes, small_speaker

from lrp_jax.captions.data.domain import SCENES
from lrp_jax.captions.experiments import Sanity, cases
from lrp_jax.captions.experiments.conservation import balance
from lrp_jax.captions.experiments.sanity import STAGES, randomised, shuffled
from lrp_jax.captions.models import unroll
from lrp_jax.core import PAPER, audit


@pytest.fixture(scope="module")
def case():
    ((_, case),) = cases(small_speaker(), small_scenes(1), SCENES, [0])
    return case


def with_biases(speaker):
    """Its biases would be 0 and take nothing."""
    leaves, tree = jax.tree.flatten(speaker.params)
    rng = np.random.default_rng(0)
    return jax.tree.unflatten(tree, [x if x.ndim > 1 else jnp.asarray(rng.normal(size=x.shape)) for x in leaves])


def test_balance_is_what_the_audit_finds(case):
    speaker, at = case.speaker, 2
    params, tokens = with_biases(speaker), speaker.padded(case.caption, speaker.max_length)
    features = jnp.asarray(case.features, jnp.float64)
    found = balance(speaker.captioner, params, features, tokens)
    embeddings = speaker.captioner.apply(params, tokens[:-1], method="embed").astype(float)

    def score(features, embeddings):
        trace = unroll(speaker.captioner, params, features, embeddings=embeddings)
        return speaker.captioner.apply(params, trace.inputs, tokens[1:], method="predict")[at]

    checked = audit(score, PAPER, argnums=(0, 1))(features, embeddings)
    assert abs(checked.unexplained) < 1e-8
    np.testing.assert_allclose(found.score[at], checked.seed, rtol=1e-9)
    np.testing.assert_allclose(found.image[at] + found.words[at], checked.relevance, rtol=1e-6)
    np.testing.assert_allclose(found.biases[at], checked.lost["bias"], rtol=1e-6)
    np.testing.assert_allclose(found.epsilon[at], checked.lost["epsilon"], rtol=1e-6)
    assert abs(found.biases[at]) > 1e-3  # there was something to find


def test_parts_are_those_of_the_explanation(case):
    found = balance(
        case.speaker.captioner,
        case.speaker.params,
        case.features,
        case.speaker.padded(case.caption, case.speaker.max_length),
    )
    rows = [row for row in Sanity(methods=("lrp",)).rows(case) if row["kind"] == "conservation"]
    explanation = case.explanation("lrp")
    for row, image, words, pixels, score in zip(
        rows,
        explanation.features.sum((1, 2)),
        explanation.words.sum(1),
        explanation.pixels.sum((1, 2, 3)),
        explanation.logits,
        strict=True,
    ):
        np.testing.assert_allclose([row["in_image"], row["in_words"], row["score"]], [image, words, score], rtol=1e-3)
        np.testing.assert_allclose(
            row["score"], sum(row[f"in_{part}"] for part in ("image", "words", "biases", "epsilon")), rtol=1e-5
        )
        if row["in_pixels"] is not None:
            np.testing.assert_allclose(row["in_pixels"], pixels, rtol=1e-3)
    np.testing.assert_allclose([row["in_biases"] for row in rows], found.biases[: len(rows)])


def test_randomised_from_the_last_layer_down():
    speaker = small_speaker()
    changed = {}
    for stage in STAGES:
        other = randomised(speaker, stage)
        same = jax.tree.map(lambda a, b: bool((a == b).all()), speaker.params["params"], other.params["params"])
        changed[stage] = {name for name, layer in same.items() if not all(jax.tree.leaves(layer))}
        kept = jax.tree.leaves(jax.tree.map(lambda a, b: (a == b).all(), speaker.encoder.params, other.encoder.params))
        assert all(kept) == (stage != "encoder")
        # Every array keeps its entries.
        jax.tree.map(
            lambda a, b: np.testing.assert_array_equal(np.sort(a, None), np.sort(b, None)), speaker.params, other.params
        )
    assert changed["last layer"] == {"fc"}
    assert changed["decoder"] == set(speaker.params["params"]) - {"word_embedding", "image_projection"}
    assert changed["embeddings"] == changed["encoder"] == set(speaker.params["params"])
    assert randomised(speaker, "decoder") is randomised(speaker, "decoder")


def test_shuffles_follow_from_their_seed():
    params = {"a": np.arange(20.0).reshape(4, 5), "b": np.arange(20.0).reshape(4, 5)}
    one, again, other = (shuffled(params, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one["a"], again["a"])
    assert (one["a"] != other["a"]).any()
    assert (one["a"] != one["b"]).any()


def test_attention_does_not_know_the_last_layer(case):
    """Its weights come before it, so its maps are the same; those of LRP are not."""
    experiment = Sanity(methods=("lrp", "attention"), images=1)
    rows = experiment.rows(case)
    assert rows == json.loads(json.dumps(rows))
    assert not {"image", "id", "start"} & set().union(*rows)
    table = pd.DataFrame([{"image": 0, **row} for row in rows])
    found = table[(table["kind"] == "randomisation") & (table["stage"] == "last layer")].groupby("method")["signed"]
    np.testing.assert_allclose(found.mean()["attention"], 1)
    assert found.mean()["lrp"] < 0.999
    tables = experiment.tables(table, None)
    parts = tables["sanity_conservation"].set_index("part")["mean"]
    np.testing.assert_allclose(parts["score"], parts[["image", "words", "biases", "epsilon"]].sum())
    assert list(tables["sanity_randomisation"]["randomised down to"].unique()) == list(STAGES)
    assert len(experiment.figure(tables).axes) == 2


def test_no_captions():
    tables = Sanity().tables(pd.DataFrame([]), None)
    assert "no captions" in tables["sanity_conservation"]["note"].item()
    assert Sanity().figure(tables) is None
