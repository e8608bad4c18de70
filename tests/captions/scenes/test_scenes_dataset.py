"""Splits as datasets, and that everything follows from the seed."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from lrp_jax.captions import scenes
from lrp_jax.captions.images import Example
from lrp_jax.captions.scenes.dice import Dice


def digest(example):
    parts = (example.id, *example.captions, *example.names, example.split)
    return hashlib.sha256(example.image.tobytes() + example.boxes.tobytes() + "|".join(parts).encode()).hexdigest()


def test_standard_sizes():
    assert [len(scenes.dataset(split)) for split in scenes.SPLITS] == [8000, 1000, 3000, 1000]
    assert len(scenes.dataset("train", count=7)) == 7 and len(scenes.dataset("train", count=0)) == 0


def test_examples_say_what_the_scene_holds():
    world = scenes.dataset("validation", count=5, size=60)
    for i, example in enumerate(world):
        scene = world.scene(i)
        assert isinstance(example, Example)
        assert example.image.shape == (60, 60, 3) and example.image.dtype == np.uint8
        assert example.boxes.dtype == np.float32 and example.boxes.min() >= 0 and example.boxes.max() <= 1
        assert example.names == tuple(thing.kind for thing in scene.objects)
        np.testing.assert_allclose(example.boxes, [thing.box for thing in scene.objects], atol=1e-6)
        np.testing.assert_array_equal(example.image, scenes.draw(scene, 60))
        assert example.captions == scenes.captions(scene) and len(example.captions) == 5
        assert example.split == "validation"
    assert i == 4


def test_an_item_does_not_depend_on_order_or_count():
    forward = [digest(example) for example in scenes.dataset("train", seed=3, size=48, count=6)]
    world = scenes.dataset("train", seed=3, size=48, count=4000)
    assert [digest(world[i]) for i in (5, 0, 3)] == [forward[i] for i in (5, 0, 3)]
    assert len(set(forward)) == 6


def test_another_process_draws_the_same():
    code = (
        "from lrp_jax.captions import scenes; import hashlib\n"
        "e = scenes.dataset('test_biased', 'weak', seed=11, size=48)[17]\n"
        "parts = (e.id, *e.captions, *e.names, e.split)\n"
        "print(hashlib.sha256(e.image.tobytes() + e.boxes.tobytes() + '|'.join(parts).encode()).hexdigest())"
    )
    environment = {"PYTHONHASHSEED": "1", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == digest(scenes.dataset("test_biased", "weak", seed=11, size=48)[17])


def test_seed_split_bias_and_index_all_matter():
    ways = [("train", "strong", 0), ("train", "strong", 1), ("train", "weak", 0), ("validation", "strong", 0)]
    found = [scenes.dataset(split, bias, seed).scene(i) for split, bias, seed in ways for i in (0, 1)]
    assert len({scene.objects for scene in found}) == len(found)
    assert len({scene.decor for scene in found}) == len(found)


def test_the_broken_split_is_the_same_for_every_bias():
    a, b, c = (scenes.dataset("test_broken", bias) for bias in scenes.RHO)
    assert a.scene(2) == b.scene(2) == c.scene(2)
    assert scenes.dataset("test_biased", "strong").scene(2) != scenes.dataset("test_biased", "none").scene(2)


def test_ids_are_unique():
    ids = [
        scenes.dataset(split, bias, seed, size=8)[i].id
        for split in scenes.SPLITS
        for bias in scenes.RHO
        for seed in (0, 1)
        for i in (0, 1)
    ]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("index", [-1, 3, 100])
def test_items_outside_are_refused(index):
    world = scenes.dataset("train", count=3, size=16)
    with pytest.raises(IndexError, match="wanted 0 to 2"):
        world[index]


def test_numpy_integers_are_indices_too():
    world = scenes.dataset("train", count=3, size=16)
    assert digest(world[np.int64(1)]) == digest(world[1])


@pytest.mark.parametrize(
    "bad",
    [{"split": "test"}, {"bias": "very"}, {"seed": -1}, {"seed": 0.5}, {"size": 4}, {"size": 9.5}, {"count": -1}],
)
def test_bad_arguments_are_named(bad):
    with pytest.raises(ValueError, match=f"got {next(iter(bad))}="):
        scenes.dataset(**{"split": "train", **bad})


def test_dice_repeat_and_differ():
    one, two, other = Dice(1, 2), Dice(1, 2), Dice(1, 3)
    first = one.units(600)
    assert first == two.units(600) != other.units(600)
    assert min(first) >= 0 and max(first) < 1
    assert np.mean(first) == pytest.approx(0.5, abs=0.05)


def test_dice_stay_as_they_are():
    # numpy promises the bits of Philox for good; were they to change, every dataset in use would change.
    assert Dice(0).units(3) == pytest.approx((0.6342005753212281, 0.3728448099252284, 0.22051467028644678))


def test_dice_pick_in_proportion():
    dice = Dice(5)
    found = [dice.weighted("abc", (1, 0, 3)) for _ in range(4000)]
    assert found.count("b") == 0 and found.count("c") / 4000 == pytest.approx(0.75, abs=0.03)
    found = [dice.zipf("abcd") for _ in range(4000)]
    assert [found.count(x) / 4000 for x in "abcd"] == pytest.approx([0.48, 0.24, 0.16, 0.12], abs=0.035)
    assert sorted(dice.shuffled(range(9))) == list(range(9))
    assert {dice.pick("xy") for _ in range(50)} == {"x", "y"}


def test_systematic_sampling_meets_every_probability():
    wanted = np.array([0.9, 0.05, 0.5, 0.5, 0.3, 0.75])
    dice, count = Dice(7), np.zeros(6)
    for _ in range(5000):
        chosen = dice.systematic(wanted.tolist())
        assert len(chosen) == 3 == len(set(chosen))
        count[chosen] += 1
    np.testing.assert_allclose(count / 5000, wanted, atol=0.03)
