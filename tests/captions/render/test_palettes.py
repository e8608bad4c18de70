"""The two signs can be told apart by people who see few colours."""

import numpy as np
import pytest

from lrp_jax.captions.render import PALETTES, Palette

# Machado, Oliveira and Fernandes, A physiologically-based model for simulation of color vision deficiency, IEEE
# Transactions on Visualization and Computer Graphics 2009, severity 1, on linear RGB.
SEEN = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
GREY = (190, 190, 190)


def lab(colour, seen):
    """CIELAB of an sRGB colour as somebody sees it."""
    c = np.asarray(colour) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(seen) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(to_xyz @ linear / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def over_grey(colour, strength, palette):
    opacity = palette.opacity * strength
    return opacity * np.asarray(colour) + (1 - opacity) * np.asarray(GREY)


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("name", PALETTES)
def test_support_opposition_and_nothing_differ_for_everybody(name, seen):
    """In CIELAB at half strength, where 2 is just noticed side by side and 10 at a glance."""
    palette = PALETTES[name]
    support, oppose = (lab(over_grey(c, 0.5, palette), SEEN[seen]) for c in (palette.support, palette.oppose))
    assert np.linalg.norm(support - oppose) > 25
    for one in (support, oppose):
        assert np.linalg.norm(one - lab(GREY, SEEN[seen])) > 15


def test_a_pair_that_few_people_can_tell_apart_would_be_found():
    distances = [np.linalg.norm(lab((170, 60, 40), seen) - lab((90, 100, 40), seen)) for seen in SEEN.values()]
    assert distances[0] > 50 and distances[2] < 20


def test_the_offered_pair_is_the_best_for_everybody():
    def worst(palette):
        return min(np.linalg.norm(lab(palette.support, s) - lab(palette.oppose, s)) for s in SEEN.values())

    assert max(PALETTES, key=lambda name: worst(PALETTES[name])) == "orange"


def test_one_colour_for_both_signs_is_refused():
    with pytest.raises(ValueError, match=r"got the colour \(1, 2, 3\) for both signs"):
        Palette((1, 2, 3), (1, 2, 3))


def test_palettes_are_named_by_their_colours():
    assert [palette.label for palette in PALETTES.values()] == ["red and blue", "orange and blue", "green and purple"]
