"""RoIAlign and the encoder of regions, against sums written out point by point."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lrp_jax
from lrp_jax import AlphaBeta, Composite, Epsilon, On, Pass, WinnerTakesAll
from lrp_jax.captions.models import RegionEncoder, multi_scale_boxes, region_variables, with_boxes
from lrp_jax.captions.models.regions import roi_weights


def interpolated(map_, y, x):
    """Bilinear, at a place in cells whose centres are at 0, 1, ...; the edge goes on outside."""
    h, w, _ = map_.shape
    y, x = min(max(y, 0), h - 1), min(max(x, 0), w - 1)
    top, left = int(min(np.floor(y), h - 2)), int(min(np.floor(x), w - 2))
    dy, dx = y - top, x - left
    upper = (1 - dx) * map_[top, left] + dx * map_[top, left + 1]
    lower = (1 - dx) * map_[top + 1, left] + dx * map_[top + 1, left + 1]
    return (1 - dy) * upper + dy * lower


def slow_roi_mean(map_, box, bins, samples=2):
    """RoIAlign, bin by bin and sample by sample, and the mean of the bins."""
    h, w, channels = map_.shape
    x0, y0, x1, y1 = (value * side for value, side in zip(box, (w, h, w, h), strict=True))
    bin_h, bin_w = (y1 - y0) / bins, (x1 - x0) / bins
    aligned = np.zeros((bins, bins, channels))
    for row in range(bins):
        for column in range(bins):
            for i in range(samples):
                for j in range(samples):
                    y = y0 + (row + (i + 0.5) / samples) * bin_h - 0.5
                    x = x0 + (column + (j + 0.5) / samples) * bin_w - 0.5
                    aligned[row, column] += interpolated(map_, y, x) / samples**2
    return aligned.mean(axis=(0, 1))


BOXES = np.array([[0, 0, 1, 1], [0.1, 0.2, 0.35, 0.9], [0.62, 0.0, 0.66, 0.05], [0.3, 0.5, 1.0, 0.55]])


@pytest.mark.parametrize("bins", [1, 3])
@pytest.mark.parametrize("shape", [(4, 5), (7, 3)])
def test_the_mean_of_roi_align(shape, bins):
    map_ = np.random.default_rng(0).normal(size=(*shape, 2))
    weights = roi_weights(jnp.asarray(BOXES), shape, bins)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-12)
    expected = [slow_roi_mean(map_, box, bins) for box in BOXES]
    np.testing.assert_allclose(weights @ map_.reshape(-1, 2), expected, rtol=1e-12)


def test_the_box_of_a_cell_is_the_cell():
    map_ = np.random.default_rng(0).normal(size=(4, 4, 3))
    weights = roi_weights(jnp.array([[0.25, 0.5, 0.5, 0.75]]), (4, 4), bins=1)
    # Samples at a quarter of the cell on either side of its centre: its neighbours cancel on a plane only.
    plane = np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0), indexing="ij"), axis=-1)
    np.testing.assert_allclose((weights @ plane.reshape(-1, 2))[0], [2, 1], rtol=1e-12)
    np.testing.assert_allclose((weights @ map_.reshape(-1, 3))[0], slow_roi_mean(map_, (0.25, 0.5, 0.5, 0.75), 1))


def test_the_fixed_boxes_cover_the_image_at_every_scale():
    boxes = multi_scale_boxes()
    assert boxes.shape == (36, 4) and len(np.unique(boxes, axis=0)) == 36
    assert boxes.min() == 0 and boxes.max() == 1
    np.testing.assert_array_equal(boxes[0], [0, 0, 1, 1])
    points = np.random.default_rng(0).uniform(size=(200, 2))
    for rows, columns in ((1, 1), (2, 2), (3, 3), (4, 4), (1, 3), (3, 1)):
        scale = multi_scale_boxes([(rows, columns)])
        assert len(scale) == rows * columns
        inside = (points[:, None] >= scale[:, :2]) & (points[:, None] <= scale[:, 2:])
        assert inside.all(axis=-1).any(axis=1).all()


class Trunk(nn.Module):
    """What an encoder is made of, in small: images [..., H, W, 3] -> [..., H / 8, W / 8, 4]."""

    @nn.compact
    def __call__(self, images):
        x = nn.relu(nn.Conv(4, (3, 3), strides=4, padding=1)(images))
        return nn.max_pool(x, (2, 2), strides=(2, 2))


@pytest.fixture(scope="module")
def encoder():
    trunk = Trunk()
    image = jax.random.normal(jax.random.key(1), (48, 64, 3))
    variables = jax.tree.map(lambda x: x.astype(jnp.float64), jax.jit(trunk.init)(jax.random.key(0), image))
    return RegionEncoder(trunk, bins=3), variables, image


def test_regions_are_means_of_the_trunks_map(encoder):
    module, trunk_variables, image = encoder
    map_ = np.asarray(module.trunk.apply(trunk_variables, image))
    features = module.apply(region_variables(trunk_variables, BOXES), image)
    np.testing.assert_allclose(
        features, [slow_roi_mean(map_, b, 3) for b in np.float32(BOXES).astype(float)], rtol=1e-9
    )


def test_init_makes_the_trunk_and_the_fixed_boxes(encoder):
    module, trunk_variables, image = encoder
    shapes = jax.eval_shape(module.init, jax.random.key(0), image)
    expected = region_variables(trunk_variables)
    assert jax.tree.structure(shapes) == jax.tree.structure(expected)
    assert jax.tree.map(jnp.shape, shapes) == jax.tree.map(jnp.shape, expected)


def test_every_image_may_have_its_own_boxes(encoder):
    module, trunk_variables, image = encoder
    images = jnp.stack([image, image[::-1]])
    each = np.stack([BOXES, BOXES[::-1]])
    together = module.apply(region_variables(trunk_variables, each), images)
    for index in range(2):
        alone = module.apply(region_variables(trunk_variables, each[index]), images[index])
        np.testing.assert_allclose(together[index], alone, rtol=1e-12)


def test_relevance_goes_through_the_regions_and_is_kept(encoder):
    module, trunk_variables, image = encoder
    # Biases keep relevance for themselves, and so does epsilon: none of either here.
    trunk_variables = jax.tree_util.tree_map_with_path(
        lambda path, x: jnp.zeros_like(x) if path[-1].key == "bias" else x, trunk_variables
    )
    rules = Composite(
        "z+ and z",
        (On("conv", AlphaBeta(0.0)), On("activation", Pass()), On("pool", WinnerTakesAll()), On("*", Epsilon(0.0))),
    )
    variables = region_variables(trunk_variables, BOXES[:3])

    @jax.jit
    def of_region(variables, image, seed):
        f = lrp_jax.lrp(functools.partial(module.apply, variables), rules)
        features, pull = jax.vjp(f, image)
        return features, pull(seed)[0]

    seed = jnp.zeros((3, 4)).at[2].set(1.0)
    features, relevance = of_region(variables, image, seed)
    assert float(features[2].sum()) > 0
    np.testing.assert_allclose(relevance.sum(), features[2].sum(), rtol=1e-9)
    # The third box is in the top right; what lies outside the reach of its cells has nothing.
    assert float(jnp.abs(relevance[:, :16]).sum()) < float(jnp.abs(relevance[:, 32:]).sum())


@pytest.mark.parametrize(
    "boxes", [np.zeros((4,)), np.zeros((0, 4)), [[0.2, 0, 0.1, 1]], [[0, 0, 1.5, 1]], [[0, 0.5, 1, 0.5]]]
)
def test_boxes_that_are_none_are_refused(boxes):
    with pytest.raises(ValueError, match="wanted"):
        with_boxes({}, boxes)
