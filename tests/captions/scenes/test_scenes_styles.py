"""The second renderer: another look, the same geometry."""

import numpy as np
import pytest
from scene_pool import pool

from lrp_jax.captions import scenes


def some():
    return pool("train", "strong", 40)


def shrink(image, factor):
    size = len(image) // factor
    return image.reshape(size, factor, size, factor, -1).mean(axis=(1, 3))


def test_a_drawing_is_a_pure_function_of_the_asked_size():
    for size in (8, 96, 145):
        image = scenes.draw(some()[0], size, "outline")
        assert image.shape == (size, size, 3) and image.dtype == np.uint8
    scenes.draw(some()[3], 145, "outline")
    np.testing.assert_array_equal(scenes.draw(some()[0], 145, "outline"), image)


def test_it_looks_different_everywhere():
    for scene in some()[:10]:
        painted, drawn = (scenes.draw(scene, 96, style).astype(float) for style in ("painted", "outline"))
        assert abs(painted - drawn).mean() > 10


def test_objects_are_where_the_masks_are():
    # What an object adds to the drawing lies in its mask, and fills it, but for strings thinner than a pixel and for
    # what happens to have the colour of what is behind it.
    filled = []
    for scene in some()[:10]:
        for number, thing in enumerate(scene.objects):
            without = scenes.draw(scenes.counterfactual(scene, drop=number), 144, "outline").astype(float)
            changed = abs(scenes.draw(scene, 144, "outline") - without).max(-1) > 12
            mask = scenes.masks(scene, 144)[number]
            filled.append(changed[mask].mean())
            if not thing.grounded:
                near = np.any([np.roll(mask, shift, (0, 1)) for shift in np.ndindex(3, 3)], axis=0)
                near = np.roll(near, (-1, -1), (0, 1))
                assert (changed & ~near).sum() <= 0.15 * mask.sum() + 8
    assert min(filled) > 0.5 and np.median(filled) > 0.85


def test_drawings_agree_across_sizes():
    for scene in some()[:5]:
        large = shrink(scenes.draw(scene, 288, "outline").astype(float), 6)
        small = shrink(scenes.draw(scene, 144, "outline").astype(float), 3)
        assert abs(large - small).mean() < 6


def test_a_dataset_of_drawings_is_the_same_world():
    painted = scenes.dataset("test_broken", size=48, count=2)[1]
    drawn = scenes.dataset("test_broken", size=48, count=2, style="outline")[1]
    assert drawn.captions == painted.captions and drawn.names == painted.names
    assert drawn.id == painted.id + "-outline", "features are kept by id"
    assert (drawn.image != painted.image).any()


def test_other_styles_are_refused():
    for function in (lambda: scenes.draw(some()[0], 48, "oil"), lambda: scenes.dataset("train", style="oil")):
        with pytest.raises(ValueError, match="got style='oil', wanted one of painted, outline"):
            function()
    with pytest.raises(ValueError, match=r"wanted .* at least 8"):
        scenes.draw(some()[0], 7, "outline")
