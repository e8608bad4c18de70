"""The numbers that docs/SCENES.md states, measured on generated scenes.

The seeds are fixed, so these tests are deterministic; the tolerances are at least four standard errors wide.
"""

import collections

import numpy as np
import pytest
from scene_pool import pool
from scipy import stats

from lrp_jax.captions import scenes
from lrp_jax.captions.scenes import frequencies
from lrp_jax.captions.scenes.clutter import CLUTTER
from lrp_jax.captions.scenes.world import area

COUNT = 1200
WORLDS = [("train", "strong"), ("train", "weak"), ("train", "none")]


def entities(pooled):
    return [entity for scene in pooled for entity in scene.entities]


def has(scene, kind):
    return any(thing.kind == kind for thing in scene.objects)


def linked(pooled, relation):
    """Kinds of the objects of a relation."""
    for scene in pooled:
        kinds = {entity.number: entity.kind for entity in scene.entities}
        yield from (kinds[link.object] for link in scene.relations if link.name == relation)


def four_sigma(p, n):
    return 4 * np.sqrt(p * (1 - p) / n) + 1e-9


def test_the_world_has_what_it_says():
    assert len(scenes.KINDS) == 40
    assert len(scenes.GROUPS) == 10 and all(len(group) == 4 for group in scenes.GROUPS.values())
    assert len(scenes.COLOURS) == 12
    assert len(scenes.BACKGROUNDS) == 10
    assert len(scenes.RELATIONS) == 16
    assert set(scenes.SYNONYMS.values()) == set(scenes.KINDS)
    assert not set(CLUTTER) & set(scenes.SYNONYMS)
    assert scenes.SPLITS == {"train": 8000, "validation": 1000, "test_broken": 3000, "test_biased": 1000}


@pytest.mark.parametrize("world", WORLDS, ids="-".join)
def test_counts_sizes_and_hiding(world):
    pooled = pool(*world, COUNT)
    things = [thing for scene in pooled for thing in scene.objects]
    counts = collections.Counter(len(scene.objects) for scene in pooled)
    assert set(counts) == {2, 3, 4, 5} and min(counts.values()) > 0.05 * COUNT

    shares = np.array([area(thing.box) for thing in things])
    assert shares.min() >= 0.008 - 1e-6 and shares.max() <= 0.25 + 1e-6
    place = np.log(shares / 0.008) / np.log(0.25 / 0.008)
    assert abs(np.quantile(place, np.linspace(0.1, 0.9, 9)) - np.linspace(0.1, 0.9, 9)).max() < 0.06

    small = [area(thing.box) for thing in things if scenes.KINDS[thing.kind].small]
    assert max(small) <= 0.05 + 1e-6

    hidden = np.mean([thing.visible < 0.98 for thing in things])
    assert 0.15 < hidden < 0.26
    assert min(thing.visible for thing in things) >= 0.4


@pytest.mark.parametrize("world", WORLDS, ids="-".join)
def test_frequencies_follow_zipf(world):
    pooled = pool(*world, COUNT)
    named = entities(pooled)
    for items, seen in (
        (list(scenes.KINDS), [entity.kind for entity in named]),
        (list(scenes.COLOURS), [entity.colour for entity in named]),
        (list(scenes.BACKGROUNDS), [scene.background for scene in pooled]),
        (list(scenes.RELATIONS), [link.name for scene in pooled for link in scene.relations]),
    ):
        count = collections.Counter(seen)
        shares = np.array([count[item] for item in items]) / len(seen)
        assert abs(shares - frequencies.zipf(len(items))).sum() / 2 < 0.1, "total variation"
        ranks = np.arange(1, len(items) + 1)
        slope = np.polyfit(np.log(ranks), np.log(shares), 1, w=np.sqrt(shares))[0]
        assert abs(slope + 1) < 0.16


@pytest.mark.parametrize("bias", ["strong", "weak"])
def test_a_bias_leaves_the_frequencies_alone(bias):
    one, other = (collections.Counter(e.kind for e in entities(pool("train", b, COUNT))) for b in (bias, "none"))
    table = np.array([[one[kind], other[kind]] for kind in scenes.KINDS])
    assert stats.chi2_contingency(table).pvalue > 0.001


@pytest.mark.parametrize("split", ["train", "test_biased"])
@pytest.mark.parametrize("bias, rho", [("strong", 0.8), ("weak", 0.5)])
def test_both_biases_have_their_strength(split, bias, rho):
    pooled = pool(split, bias, COUNT if split == "train" else 500)
    hits, n = 0, 0
    for background, partner in scenes.VISUAL_PARTNERS.items():
        found = [has(scene, partner) for scene in pooled if scene.background == background]
        hits, n = hits + sum(found), n + len(found)
        assert abs(np.mean(found) - rho) < four_sigma(rho, len(found))
    assert abs(hits / n - rho) < four_sigma(rho, n)
    hits, n = 0, 0
    for relation, partner in scenes.LANGUAGE_PARTNERS.items():
        found = [kind == partner for kind in linked(pooled, relation)]
        hits, n = hits + sum(found), n + len(found)
        assert abs(np.mean(found) - rho) < four_sigma(rho, len(found))
    assert abs(hits / n - rho) < four_sigma(rho, n)


@pytest.mark.parametrize("split, bias", [("test_broken", "strong"), ("train", "none")])
def test_pairs_are_independent_where_the_bias_is_broken(split, bias):
    pooled = pool(split, bias, COUNT)
    for background, partner in scenes.VISUAL_PARTNERS.items():
        here = [has(scene, partner) for scene in pooled if scene.background == background]
        elsewhere = [has(scene, partner) for scene in pooled if scene.background != background]
        table = [[sum(here), len(here) - sum(here)], [sum(elsewhere), len(elsewhere) - sum(elsewhere)]]
        assert stats.fisher_exact(table).pvalue > 0.001, (background, partner)
    relations = list(frequencies.SMALL_RELATIONS)
    small = [kind for kind in scenes.KINDS if scenes.KINDS[kind].small]
    table = np.zeros((len(relations), len(small)))
    for i, relation in enumerate(relations):
        for kind in linked(pooled, relation):
            if kind in small:
                table[i, small.index(kind)] += 1
    assert stats.chi2_contingency(table[:, table.sum(0) > 20][table.sum(1) > 20]).pvalue > 0.001


def test_the_two_biases_are_apart():
    assert not set(scenes.VISUAL_PARTNERS.values()) & set(scenes.LANGUAGE_PARTNERS.values())
    assert all(scenes.KINDS[kind].small for kind in scenes.LANGUAGE_PARTNERS.values())
    assert not any(scenes.KINDS[kind].small for kind in scenes.VISUAL_PARTNERS.values())
    # The strong background bias does not reach the small kinds: they are as independent of it as they ever are.
    pooled = pool("train", "strong", COUNT)
    table = np.zeros((len(scenes.BACKGROUNDS), len(scenes.LANGUAGE_PARTNERS)))
    for scene in pooled:
        for j, partner in enumerate(scenes.LANGUAGE_PARTNERS.values()):
            table[scenes.BACKGROUNDS.index(scene.background), j] += has(scene, partner)
    assert stats.chi2_contingency(table).pvalue > 0.001


@pytest.mark.parametrize("bias", list(scenes.RHO))
def test_tables_of_probabilities(bias):
    rho = scenes.RHO[bias]
    shares = dict(zip(scenes.BACKGROUNDS, frequencies.zipf(10), strict=True))
    wanted = np.array([frequencies.natural()[kind] for kind in frequencies.LARGE])
    mean = np.zeros(len(wanted))
    for (background, number), row in frequencies.large_kinds(bias).items():
        assert sum(row) == pytest.approx(number, abs=1e-8)
        assert min(row) > 0 and max(row) < 1
        if rho is not None and background in scenes.VISUAL_PARTNERS:
            assert row[frequencies.LARGE.index(scenes.VISUAL_PARTNERS[background])] == rho
        mean += shares[background] * sum(p for n, p in frequencies.COUNTS.items() if n[0] == number) * np.array(row)
    np.testing.assert_allclose(mean / mean.sum(), wanted / wanted.sum(), atol=1e-8)
    for relation, row in frequencies.small_kinds(bias).items():
        assert sum(row) == pytest.approx(1, abs=1e-8)
        if rho is not None and relation in scenes.LANGUAGE_PARTNERS:
            assert row[frequencies.SMALL.index(scenes.LANGUAGE_PARTNERS[relation])] == rho


def test_contradictory_frequencies_are_refused():
    fixed = np.array([[0.9, np.nan], [np.nan, np.nan]])
    with pytest.raises(ArithmeticError, match="inconsistent"):
        frequencies._rake(np.array([1.0, 1.0]), np.array([0.1, 0.9]), np.array([0.5, 0.5]), fixed)


def around(things):
    """The box around the objects of an entity."""
    boxes = np.array([thing.box for thing in things])
    return *boxes[:, :2].min(0), *boxes[:, 2:].max(0)


def holds(name, a, b):
    """Whether a relation can be seen between the objects of two entities."""
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = around(a), around(b)
    width = min(ax1, bx1) - max(ax0, bx0)
    height = min(ay1, by1) - max(ay0, by0)
    ahead = np.sign(bx0 + bx1 - ax0 - ax1)
    match name:
        case "left of":
            return ax1 < bx0
        case "right of":
            return ax0 > bx1
        case "beside":
            return -0.1 < width < 0.05
        case "above":
            return ay1 < by0 + 0.01
        case "below":
            return ay0 > by1 - 0.01
        case "behind":
            return width > 0 and height > 0 and min(t.depth for t in a) < max(t.depth for t in b)
        case "in front of":
            return width > 0 and height > 0 and max(t.depth for t in a) > min(t.depth for t in b)
        case "and":
            return max(-width, -height) > 0.05
        case "holding" | "carrying":
            return width > 0 and height > -0.02 and b[0].depth > a[0].depth
        case "riding" | "sitting on" | "on":
            return width > 0 and ay0 < by1 - 0.02 and ay1 < by1 + 0.02 and a[0].depth > b[0].depth
        case "chasing":
            return a[0].facing == b[0].facing == ahead
        case "pushing":
            return a[0].facing == ahead and width > -0.01
        case "watching":
            return a[0].facing == ahead
    raise AssertionError(name)


@pytest.mark.parametrize("world", [("train", "strong"), ("test_broken", "strong")], ids="-".join)
def test_every_relation_can_be_seen(world):
    for scene in pool(*world, COUNT):
        members = collections.defaultdict(list)
        for thing in scene.objects:
            members[thing.entity].append(thing)
        for link in scene.relations:
            assert holds(link.name, members[link.subject], members[link.object]), (scene.key, link)


def test_relations_are_a_tree_over_the_entities():
    for scene in pool("train", "strong", COUNT):
        numbers = [entity.number for entity in scene.entities]
        assert numbers == list(range(len(numbers))) and 2 <= len(numbers) <= 4
        assert len({entity.kind for entity in scene.entities}) == len(numbers)
        assert len(scene.relations) == len(numbers) - 1
        reached = {0}
        for _ in numbers:
            reached |= {n for r in scene.relations if {r.subject, r.object} & reached for n in (r.subject, r.object)}
        assert reached == set(numbers)


def test_objects_lie_inside_and_in_order_of_depth():
    for scene in pool("train", "weak", COUNT):
        boxes = np.array([thing.box for thing in scene.objects])
        assert boxes.min() > 0 and boxes.max() < 1 and (boxes[:, 2:] > boxes[:, :2]).all()
        assert [thing.depth for thing in scene.objects] == list(range(len(scene.objects)))
