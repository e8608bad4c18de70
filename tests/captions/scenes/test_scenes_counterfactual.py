"""One thing changed, and nothing else."""

import dataclasses

import numpy as np
import pytest
from scene_pool import pool

from lrp_jax.captions import scenes
from lrp_jax.captions.scenes import KINDS, words

SOME = 40
SIZE = 96


def some():
    return pool("train", "strong", SOME)


def grown(mask, by=2):
    padded = np.pad(mask, by)
    side = range(2 * by + 1)
    return np.any([padded[i : i + mask.shape[0], j : j + mask.shape[1]] for i in side for j in side], axis=0)


def whole(scene, number, size=SIZE):
    """All pixels of a figure, hidden ones too, and those with a part thinner than a pixel."""
    fine = scenes.masks(dataclasses.replace(scene, objects=(scene.objects[number],)), 4 * size)[0]
    return fine.reshape(size, 4, size, 4).any(axis=(1, 3))


def reach(scene, number, size=SIZE):
    """Where a thing can be seen: its figure and, below its foot, a shadow a little wider than it is."""
    thing, touched = scene.objects[number], grown(whole(scene, number, size))
    if thing.grounded:
        x0, _, x1, y1 = np.array(thing.box) * size
        wide, high = 0.8 * (x1 - x0), 0.05 * size + 2
        touched[
            max(0, int(y1 - high)) : int(y1 + high), max(0, int((x0 + x1) / 2 - wide)) : int((x0 + x1) / 2 + wide)
        ] = True
    return touched


def first(predicate):
    """(scene, number of an object) for which something is true."""
    return next((scene, i) for scene in some() for i in range(len(scene.objects)) if predicate(scene, scene.objects[i]))


@pytest.mark.parametrize("style", list(scenes.STYLES))
def test_a_dropped_object_leaves_every_pixel_alone_that_it_does_not_reach(style):
    for scene in some()[:12]:
        picture = scenes.draw(scene, SIZE, style)
        for number in range(len(scene.objects)):
            changed = (scenes.draw(scenes.counterfactual(scene, drop=number), SIZE, style) != picture).any(-1)
            assert not (changed & ~reach(scene, number)).any()
            assert changed[scenes.masks(scene, SIZE)[number]].mean() > 0.6  # what it was in is something else now


def test_the_others_keep_box_pose_order_and_mask():
    revealed = 0
    for scene in some():
        masks = scenes.masks(scene, SIZE)
        for number, gone in enumerate(scene.objects):
            found = scenes.counterfactual(scene, drop=number)
            rest = [thing for i, thing in enumerate(scene.objects) if i != number]
            for before, after in zip(rest, found.objects, strict=True):
                assert dataclasses.replace(after, visible=before.visible) == before
                assert after.visible >= before.visible
                revealed += after.visible > before.visible
            kept = np.delete(masks, number, axis=0)
            now = scenes.masks(found, SIZE)
            assert not (kept & ~now).any(), "nobody loses a pixel"
            assert not (now & ~kept & ~masks[number]).any(), "and gains only those that were hidden"
            assert gone not in found.objects
            rest_of_it = {"objects": scene.objects, "relations": scene.relations}
            assert dataclasses.replace(found, **rest_of_it) == scene
    assert revealed > 10


def test_dropping_does_not_depend_on_the_order_and_changes_nothing_given():
    scene = next(scene for scene in some() if len(scene.objects) >= 4)
    before = dataclasses.replace(scene)
    both = scenes.counterfactual(scene, drop=(0, 2))
    assert both == scenes.counterfactual(scene, drop=[2, 0]) == scenes.counterfactual(scene, drop=np.array([0, 2]))
    one = scenes.counterfactual(scenes.counterfactual(scene, drop=2), drop=0)
    assert one == both and scene == before


def test_relations_go_with_their_ends_and_one_of_several_is_not_the_entity():
    scene, number = first(lambda s, thing: sum(o.entity == thing.entity for o in s.objects) > 1)
    entity = next(e for e in scene.entities if e.number == scene.objects[number].entity)
    fewer = scenes.counterfactual(scene, drop=number)
    assert fewer.relations == scene.relations
    assert next(e for e in fewer.entities if e.number == entity.number).count == entity.count - 1
    none = scenes.counterfactual(scene, drop=entity)
    assert entity.number not in {e.number for e in none.entities}
    assert none.relations == tuple(r for r in scene.relations if entity.number not in (r.subject, r.object))
    assert len(none.objects) == len(scene.objects) - entity.count


def test_what_is_left_is_told_and_told_truly():
    alone = 0
    pairs = [scene for scene in some() if len(scene.entities) == 2]
    for scene in (*pairs, *some()[:12]):
        for entity in scene.entities:
            found = scenes.counterfactual(scene, drop=entity)
            alone += len(found.entities) == 1
            texts = scenes.captions(found)
            assert texts == scenes.captions(found) and len(texts) == 5
            for text in texts:
                words = text.split()
                assert 9 <= len(words) <= 16
                named = {scenes.SYNONYMS[word] for word in words if word in scenes.SYNONYMS}
                assert named and named <= {e.kind for e in found.entities}
                for verb in ("holding", "riding", "carrying", "chasing", "pushing", "watching"):
                    assert verb not in words or any(r.name == verb for r in found.relations), text
    assert alone > 1


def test_a_scene_without_objects_is_drawn_and_not_told():
    scene = some()[0]
    empty = scenes.counterfactual(scene, drop=range(len(scene.objects)))
    assert scenes.draw(empty, 48).shape == (48, 48, 3) and scenes.masks(empty, 48).shape == (0, 48, 48)
    with pytest.raises(ValueError, match="without objects"):
        scenes.captions(empty)


def test_another_kind_fills_the_same_box():
    for scene in some()[:12]:
        present = {thing.kind for thing in scene.objects}
        for number, thing in enumerate(scene.objects):
            kind = next(kind for kind in scenes.KINDS if kind not in present)
            found = scenes.counterfactual(scene, swap=(number, kind, "pink"))
            new = found.objects[number]
            assert (new.kind, new.colour, new.box, new.depth) == (kind, "pink", thing.box, thing.depth)
            for i, (before, after) in enumerate(zip(scene.objects, found.objects, strict=True)):
                assert i == number or dataclasses.replace(after, visible=before.visible) == before
            changed = (scenes.draw(found, SIZE) != scenes.draw(scene, SIZE)).any(-1)
            assert changed.any() and not (changed & ~reach(scene, number) & ~reach(found, number)).any()
            assert len(scenes.captions(found)) == 5


def test_another_kind_keeps_the_relations_that_it_can_have():
    scene, number = first(lambda s, thing: any((r.name, r.subject) == ("holding", thing.entity) for r in s.relations))
    who = scene.objects[number].entity
    others = {thing.kind for thing in scene.objects}
    person = next(kind for kind in ("man", "woman", "boy", "girl") if kind not in others)
    assert scenes.counterfactual(scene, swap=(number, person)).relations == scene.relations
    thing = next(kind for kind in ("lamp", "tree", "house") if kind not in others)
    left = scenes.counterfactual(scene, swap=(number, thing)).relations
    assert left == tuple(
        r for r in scene.relations
        if who not in (r.subject, r.object) or r.name in (*scenes.RELATIONS[:6], "above", "below")
    )  # fmt: skip
    assert scenes.counterfactual(
        scene, swap=(number, scene.objects[number].kind, _other_colour(scene, number))
    ).relations
    held = next(
        i for i, o in enumerate(scene.objects) for r in scene.relations if (r.name, r.object) == ("holding", o.entity)
    )
    small = next(kind for kind in KINDS.values() if kind.small and kind.name not in others)
    assert scenes.counterfactual(scene, swap=(held, small.name)).relations == scene.relations


def _other_colour(scene, number):
    return next(colour for colour in scenes.COLOURS if colour != scene.objects[number].colour)


def test_one_of_several_becomes_an_entity_of_its_own():
    scene, number = first(lambda s, thing: sum(o.entity == thing.entity for o in s.objects) > 1)
    old = next(e for e in scene.entities if e.number == scene.objects[number].entity)
    kind = next(kind for kind in scenes.KINDS if kind not in {o.kind for o in scene.objects})
    found = scenes.counterfactual(scene, swap=(number, kind))
    assert {e.kind: e.count for e in found.entities}[old.kind] == old.count - 1
    assert {e.kind: e.count for e in found.entities}[kind] == 1
    assert found.relations == scene.relations
    all_of_them = scenes.counterfactual(scene, swap=(old, kind))
    assert {e.kind: e.count for e in all_of_them.entities}[kind] == old.count
    assert len(scenes.captions(found)) == len(scenes.captions(all_of_them)) == 5


def test_another_background_leaves_what_stands_on_it():
    kept = []
    for scene in some()[:8]:
        found = scenes.counterfactual(scene, background="desert" if scene.background != "desert" else "stage")
        assert dataclasses.replace(found, background=scene.background) == scene
        np.testing.assert_array_equal(scenes.labels(found, SIZE), scenes.labels(scene, SIZE))
        places = " | ".join(scenes.captions(found))
        assert not any(place in places for place in words.PLACES[scene.background])
        # Shadows of nearer things lie on objects; they take their colour from the ground.
        bare, other = (
            dataclasses.replace(s, objects=tuple(dataclasses.replace(o, grounded=False) for o in s.objects))
            for s in (scene, found)
        )
        same = (scenes.draw(bare, SIZE) == scenes.draw(other, SIZE)).all(-1)
        inside = ~grown(scenes.labels(scene, SIZE) == 0, 1)
        kept.extend(same[inside])
        assert same[grown(scenes.labels(scene, SIZE) > 0, 3) == 0].mean() < 0.5
    assert np.mean(kept) > 0.99  # the ground is seen through the slats of a chair, which are thinner than a pixel


@pytest.mark.parametrize(
    "asked, error, match",
    [
        ({}, ValueError, "got no change; wanted one of drop, swap and background"),
        ({"drop": 0, "background": "lake"}, ValueError, "got drop and background"),
        ({"drop": 9}, IndexError, "got object 9, wanted 0 to"),
        ({"drop": -1}, IndexError, "got object -1"),
        ({"drop": ()}, ValueError, "got no object"),
        ({"swap": (0, "unicorn")}, ValueError, "got swap to 'unicorn'"),
        ({"swap": (0, "moon", "beige")}, ValueError, "got swap to 'beige'"),
        ({"background": "moonscape"}, ValueError, "got background='moonscape'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(asked, error, match):
    with pytest.raises(error, match=match) as raised:
        scenes.counterfactual(some()[0], **asked)
    assert "\n" not in str(raised.value)


def test_changes_that_change_nothing_or_double_a_kind_are_refused():
    scene = some()[0]
    one, other = scene.entities[:2]
    for asked, match in (
        ({"swap": (one, one.kind)}, "to the same"),
        ({"swap": (one, other.kind)}, "which the scene already has"),
        ({"background": scene.background}, "which the scene already has"),
    ):
        with pytest.raises(ValueError, match=match):
            scenes.counterfactual(scene, **asked)
    stranger = dataclasses.replace(one, kind="moon", number=7)
    with pytest.raises(IndexError, match="not one of this scene's entities"):
        scenes.counterfactual(scene, drop=stranger)
