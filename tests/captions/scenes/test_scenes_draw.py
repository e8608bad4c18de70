"""Pictures and masks: the same geometry at every size, in every renderer."""

import dataclasses

import numpy as np
import pytest
from scene_pool import pool

from lrp_jax.captions import scenes
from lrp_jax.captions.scenes import labels
from lrp_jax.captions.scenes.backdrops import BACKDROPS
from lrp_jax.captions.scenes.clutter import CLUTTER
from lrp_jax.captions.scenes.colours import palette
from lrp_jax.captions.scenes.figures import FIGURES, figure
from lrp_jax.captions.scenes.world import Clutter, area

SOME = 40


def some():
    return pool("train", "strong", SOME)


def shrink(image, factor):
    size = len(image) // factor
    return image.reshape(size, factor, size, factor, -1).mean(axis=(1, 3))


def alone(scene, *objects):
    return dataclasses.replace(scene, objects=objects)


def test_every_kind_has_a_figure():
    assert set(FIGURES) == set(scenes.KINDS)


@pytest.mark.parametrize("kind", list(scenes.KINDS))
def test_figures_fill_their_box_in_every_pose(kind):
    rng = np.random.default_rng(0)
    tones = palette((200, 100, 50), (1, 2, 3), (4, 5, 6))
    for gesture in ("rest", "hold", "raise", "push", "ride", "sit", "run"):
        pose = tuple(rng.random(8).tolist())
        shape = figure(kind, pose, gesture, 1, float(rng.uniform(-20, 20)))
        np.testing.assert_allclose(shape.points.min(0), 0, atol=1e-9)
        np.testing.assert_allclose(shape.points.max(0), 1, atol=1e-9)
        assert shape.starts[0] == 0 and shape.starts[-1] == len(shape.points)
        assert len(shape.fills) == len(shape.starts) - 1
        assert all(fill in tones or isinstance(fill, tuple) for fill in shape.fills)
        assert 0.15 < shape.aspect < 4


def test_facing_left_is_the_mirror_image():
    pose = (0.3,) * 8
    right, left = (figure("horse", pose, "rest", facing, 5.0) for facing in (1, -1))
    np.testing.assert_allclose(left.points, right.points * (-1, 1) + (1, 0))
    assert left.anchors["seat"] == pytest.approx((1 - right.anchors["seat"][0], right.anchors["seat"][1]))


def test_picture_is_rgb_of_the_asked_size():
    for size in (8, 96, 144, 201):
        image = scenes.draw(some()[0], size)
        assert image.shape == (size, size, 3) and image.dtype == np.uint8 and image.flags.writeable
        assert scenes.labels(some()[0], size).shape == (size, size)


@pytest.mark.parametrize("size", [7, 0, -5, 20.5])
def test_impossible_sizes_are_refused(size):
    for function in (scenes.draw, scenes.masks, scenes.labels):
        with pytest.raises(ValueError, match=r"wanted .* at least 8"):
            function(some()[0], size)


def test_pictures_agree_across_sizes():
    # What a picture differs from its shifted self by tells how much a shift of one pixel would cost.
    for scene in some()[:15]:
        large, small = shrink(scenes.draw(scene, 288).astype(float), 2), scenes.draw(scene, 144).astype(float)
        difference = abs(large - small).mean()
        shifted = abs(large[1:, 1:] - small[:-1, :-1]).mean()
        assert difference < 3 and difference < 0.6 * shifted


def test_masks_agree_across_sizes():
    for scene in some():
        small = scenes.masks(scene, 144)
        large = scenes.masks(scene, 432)[:, 1::3, 1::3]  # the middles of the same pixels
        for a, b in zip(small, large, strict=True):
            assert (a & b).sum() > 0.7 * (a | b).sum()  # spokes and strings are thinner than a pixel


def test_masks_are_the_visible_parts():
    for scene in some():
        seen, masks = scenes.labels(scene), scenes.masks(scene)
        assert masks.dtype == bool and masks.shape == (len(scene.objects), 144, 144)
        assert masks.sum(0).max() <= 1
        np.testing.assert_array_equal(masks.any(0), seen > 0)
        for i, thing in enumerate(scene.objects):
            whole = scenes.masks(alone(scene, thing))[0]
            assert not (masks[i] & ~whole).any()
            assert masks[i].sum() / whole.sum() == pytest.approx(thing.visible, abs=0.08)


def test_boxes_enclose_masks_tightly():
    for scene in some():
        for thing in scene.objects:
            mask = scenes.masks(alone(scene, thing))[0]
            rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
            x0, y0, x1, y1 = np.array(thing.box) * 144
            assert columns[0] >= x0 - 1 and columns[-1] + 1 <= x1 + 1
            assert rows[0] >= y0 - 1 and rows[-1] + 1 <= y1 + 1
            # Tails and strings may be thinner than a pixel; nothing else may be missing.
            assert columns[-1] - columns[0] + 1 > 0.8 * (x1 - x0) - 2
            assert rows[-1] - rows[0] + 1 > 0.7 * (y1 - y0) - 2
            assert mask.sum() > 0.1 * area(thing.box) * 144**2


def test_mask_is_where_the_picture_changes_without_the_object():
    for scene in some()[:20]:
        # the nearest one that leaves no shadow: nothing else may change with it
        loose = [thing for thing in scene.objects if not thing.grounded]
        if not loose:
            continue
        thing = loose[-1]
        rest = tuple(other for other in scene.objects if other is not thing)
        changed = (scenes.draw(scene) != scenes.draw(alone(scene, *rest))).any(-1)
        mask = scenes.masks(scene)[scene.objects.index(thing)]
        x0, y0, x1, y1 = np.array(thing.box) * 144
        rows, columns = np.nonzero(changed)
        assert columns.min() >= x0 - 1.5 and columns.max() <= x1 + 0.5
        assert rows.min() >= y0 - 1.5 and rows.max() <= y1 + 0.5
        grown = np.pad(mask, 1)
        grown = np.any([grown[i : i + 144, j : j + 144] for i in range(3) for j in range(3)], axis=0)
        assert (changed & ~grown).sum() <= 0.1 * mask.sum() + 8  # of strings thinner than a pixel a mask has holes
        assert (changed & mask).sum() > 0.5 * mask.sum()


def test_drawing_is_a_pure_function():
    for scene in some()[:5]:
        first = scenes.draw(scene)
        scenes.draw(some()[7])
        np.testing.assert_array_equal(scenes.draw(scene), first)


@pytest.mark.parametrize("background", list(BACKDROPS))
def test_backgrounds_look_different_and_vary(background):
    scene = dataclasses.replace(some()[0], background=background, objects=(), clutter=())
    image = scenes.draw(scene, 48).astype(float)
    for other in BACKDROPS:
        if other != background:
            assert abs(scenes.draw(dataclasses.replace(scene, background=other), 48) - image).mean() > 5
    varied = dataclasses.replace(scene, decor=tuple((u + 0.37) % 1 for u in scene.decor))
    assert (scenes.draw(varied, 48) != image).any()


@pytest.mark.parametrize("light", scenes.LIGHTS)
def test_light_changes_the_picture(light):
    scene = some()[0]
    day, other = (scenes.draw(dataclasses.replace(scene, light=name), 48).astype(float) for name in ("day", light))
    assert light == "day" or abs(day - other).mean() > 4
    assert other.std() > 10


@pytest.mark.parametrize("kind", list(CLUTTER))
def test_clutter_is_drawn_and_not_labelled(kind):
    bare = dataclasses.replace(some()[0], objects=(), clutter=())
    scene = dataclasses.replace(bare, clutter=(Clutter(kind, 0.5, 0.8, 0.1, 0.5),))
    changed = (scenes.draw(scene) != scenes.draw(bare)).any(-1)
    assert 20 < changed.sum() < 144**2 / 20
    assert not labels(scene).any()


def test_objects_stand_out_from_what_they_cover():
    differences = []
    for scene in some():
        for thing in scene.objects:
            mask = scenes.masks(alone(scene, thing))[0]
            one = scenes.draw(alone(scene, thing)).astype(float)
            differences.append(abs(one - scenes.draw(alone(scene)))[mask].mean())
    assert np.quantile(differences, 0.05) > 15
