"""Training the encoder of the drawn scenes, at a size that takes seconds."""

import dataclasses
import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions import scenes
from lrp_jax.captions.training import scene_encoder as made
from lrp_jax.captions.weights.scene_encoder import load_scene_encoder, scene_encoder_record


@pytest.fixture(scope="module")
def pool():
    return made.draw_pool("train", seed=3, count=48)


def test_labels_come_from_the_masks():
    world = scenes.dataset("train", bias="none", seed=3, count=30)
    found = 0
    for i in range(30):
        scene = world.scene(i)
        cells = made.label_cells(scene)
        seen = scenes.masks(scene, 96).reshape(-1, 8, 12, 8, 12).mean(axis=(2, 4))
        empty = seen.sum(0) == 0
        assert (cells.things[empty] == made.THINGS.index(scene.background)).all()
        assert (cells.colours[empty] == -1).all()
        assert ((cells.colours >= 0) == (cells.things < len(scenes.KINDS))).all()
        for j, thing in enumerate(scene.objects):
            full = seen[j] > 0.9
            assert (cells.things[full] == made.THINGS.index(thing.kind)).all()
            assert (cells.colours[full] == made.COLOURS.index(thing.colour)).all()
            row, column, kind, colour, share = cells.homes[j]
            # The labels are read at 36 points a cell: two of them are what a small object's edge may be off by.
            assert seen[j, row, column] > 0.8 * seen[j].max() - 2 / 36
            assert (made.THINGS[kind], made.COLOURS[colour]) == (thing.kind, thing.colour)
            assert 0.008 - 1e-6 <= share <= 0.25 + 1e-6
            found += cells.things[row, column] == kind
    assert found > 0.9 * sum(len(world.scene(i).objects) for i in range(30)), "nearly every object holds its cell"


def test_small_objects_hold_their_cell_against_large_ones():
    scene = scenes.dataset("train", bias="none", seed=3, count=1).scene(0)
    base = scene.objects[0]
    large = dataclasses.replace(base, kind="house", box=(0.1, 0.1, 0.9, 0.9))
    small = dataclasses.replace(base, kind="apple", box=(0.51, 0.51, 0.61, 0.61))
    cells = made.label_cells(dataclasses.replace(scene, objects=(large, small)))
    assert cells.things[4, 4] == made.THINGS.index("apple")
    assert (cells.things == made.THINGS.index("house")).sum() > 20


def test_pool_is_made_of_unbiased_scenes(pool):
    assert pool.images.shape == (48, 96, 96, 3) and pool.images.dtype == np.uint8
    assert pool.things.shape == pool.colours.shape == (48, 8, 8)
    scene = scenes.dataset("train", bias="none", seed=3).scene(7)
    np.testing.assert_array_equal(pool.images[7], scenes.draw(scene, 96))
    np.testing.assert_array_equal(pool.things[7], made.label_cells(scene).things)


def test_weights_balance_the_labels(pool):
    weights = made.cell_weights(pool.things)
    assert weights[pool.things].mean() == pytest.approx(1, rel=0.1)
    count = np.bincount(pool.things.ravel(), minlength=50)
    assert weights[count.argmax()] == weights.min()


def test_folded_norms_change_nothing():
    trainee = made.Trainee(width=2)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(4, 36, 36, 3)).astype(np.float32)
    shapes = jax.eval_shape(trainee.init, jax.random.key(1), images)

    def random(path, leaf):
        return rng.normal("scale" in jax.tree_util.keystr(path), 0.3, leaf.shape).astype(np.float32)

    params = jax.tree_util.tree_map_with_path(random, shapes["params"])
    before = jax.tree.map(lambda leaf: np.ones(leaf.shape, np.float32), shapes["batch_stats"])
    apply = jax.jit(functools.partial(trainee.apply, mutable=["batch_stats"]))
    wanted, changed = jax.device_get(apply({"params": params, "batch_stats": before}, images))
    # Those of this batch, by which the trainee normalised: a running mean moves 5 % of the way towards them.
    of_batch = jax.tree.map(lambda new, old: (new - 0.95 * old) / 0.05, changed["batch_stats"], before)
    encoder = made.SceneCNN(width=2, things=len(made.THINGS), colours=len(made.COLOURS))
    classify = jax.jit(functools.partial(encoder.apply, method="classify"))
    for a, b in zip(classify(made.fold({"params": params, "batch_stats": of_batch}), images), wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3 * float(abs(b).max()))


def test_loss_of_certain_scores_is_zero_and_blind_to_the_colour_of_nothing():
    things, colours = np.array([[[0, 45]]]), np.array([[[3, -1]]])
    right = 50 * np.eye(50)[things], 50 * np.eye(12)[np.array([[[3, 7]]])]
    weights, loss = np.ones(50), jax.jit(made.loss)
    assert loss(right, things, colours, weights) == pytest.approx(0, abs=1e-6)
    flat = np.zeros((1, 1, 2, 50)), np.zeros((1, 1, 2, 12))
    assert loss(flat, things, colours, weights) == pytest.approx(np.log(50) + 0.5 * np.log(12))
    nothing = np.array([[[-1, -1]]])
    assert loss(flat, things, nothing, weights) == pytest.approx(np.log(50))


def test_accuracies_of_an_oracle(pool):
    class Oracle:
        def apply(self, params, images, method):
            return jax.nn.one_hot(params["things"], 50), jax.nn.one_hot(params["colours"], 12)

    def answers(things, colours):
        return {"things": jnp.asarray(things), "colours": jnp.asarray(np.maximum(colours, 0))}

    right = made.accuracies(Oracle(), answers(pool.things, pool.colours), pool)
    assert right["background"] == 1 and right["kind"] > 0.9 and right["colour"] > 0.9
    assert set(right) == {"kind", "kind 0.8-2 %", "kind 2-5 %", "kind 5-25 %", "colour", "background"}
    wrong = made.accuracies(Oracle(), answers((pool.things + 1) % 50, (pool.colours + 2) % 12), pool)
    assert wrong["background"] == 0 and wrong["kind"] < 0.1 and wrong["colour"] < 0.1


@pytest.mark.slow
def test_the_command_learns_repeats_and_saves(pool, monkeypatch, tmp_path, capsys):
    """The whole command at a size that takes seconds."""
    trained, train = [], functools.partial(made.train, batch_size=16, width=4)

    def noted(pool, **options):
        trained.append(train(pool, **options))
        return trained[-1]

    drawn = {"train": pool, "validation": made.Pool(*(part[:20] for part in pool))}
    monkeypatch.setattr(made, "draw_pool", lambda split, seed, count: drawn[split])
    monkeypatch.setattr(made, "train", noted)
    path = tmp_path / "encoder.npz"
    monkeypatch.setattr("sys.argv", ["scene_encoder", "--out", str(path), "--epochs", "25", "--scenes", "48"])
    made.main()
    record = scene_encoder_record(path)
    assert record["scenes"] == 48 and record["epochs"] == 25 and record["seed"] == 90001
    measured = record["accuracy on 1000 held-out unbiased scenes"]
    assert measured["background"] > 0.4 and measured["colour"] > 0.3  # 0.1 and 0.08 by chance
    assert "kind" in measured and '"epochs": 25' in capsys.readouterr().out

    ((encoder, params),) = trained
    again = train(pool, seed=90001, epochs=25)[1]
    chex.assert_trees_all_equal(params, again)
    loaded, weights, preprocessing = load_scene_encoder(path)
    assert loaded == encoder and preprocessing == made.PREPROCESSING
    apply = jax.jit(lambda params: encoder.apply(params, preprocessing(pool.images[:4])))
    a, b = apply(params), apply(weights)
    np.testing.assert_allclose(a, b, atol=0.02 * float(a.max()))
