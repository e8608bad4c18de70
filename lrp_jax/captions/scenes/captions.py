"""Captions of a scene: a grammar in which order, number, colour and relation carry information.

"a red dog chasing two blue cats" describes another image than "two blue cats chasing a red dog": the noun phrases
agree with the objects in kind, number and colour, and the relations hold between them in this order. What the
image does not determine (which objects are named, which synonyms are used, whether the place or the light is
mentioned) is chosen at random, seeded by the key of the scene.
"""

from lrp_jax.captions.scenes import words
from lrp_jax.captions.scenes.dice import Dice
from lrp_jax.captions.scenes.kinds import ANIMATE, KINDS, PEOPLE, SYNONYMS
from lrp_jax.captions.scenes.world import Entity, Relation, Scene

SHORTEST, LONGEST = 9, 16  # words
LATE = 7  # at least one object is named at this position or later, so that it has preceding words to explain it by
_WORDING = 2  # the purpose of this random stream, the last number of its key
_NAMED = {2: (1,), 3: (2,), 4: (2, 3)}  # entities of a scene -> possible numbers of entities that a caption names

# Exponent of the Zipf choice among synonyms; steeper than 1, so that the first word is chosen most of the time.
_STEEP = 2.2


def captions(scene: Scene, count: int = 5) -> tuple[str, ...]:
    """The captions of a scene: lower case, words separated by single spaces, no punctuation.

    Each has 9 to 16 words, names 40 to 80 % of the objects, and names at least one of them at word 7 or later. The
    same scene always gets the same captions, and the first ones do not depend on `count`. If a counterfactual removed
    so many objects that no connected set of them is 40 to 80 %, any connected set may be named.

    Args:
      scene: the scene graph.
      count: number of captions.

    Raises:
      ValueError: the scene has no object.
    """
    if not scene.objects:
        raise ValueError(f"got scene {scene.key} without objects; wanted at least one object to describe")
    dice = Dice(*scene.key, _WORDING)
    told: list[str] = []
    while len(told) < count:
        told.append(_caption(dice, scene))
    return tuple(told)


def _caption(dice: Dice, scene: Scene) -> str:
    entities = {entity.number: entity for entity in scene.entities}
    for _ in range(2000):  # four attempts on average; a hundred and more for a scene with a single object
        named, edges = _choose(dice, scene, entities)
        sentence = _sentence(dice, scene, entities, named, edges)
        text = " ".join(sentence).split()
        if SHORTEST <= len(text) <= LONGEST and any(word in SYNONYMS for word in text[LATE - 1 :]):
            return " ".join(text)
    raise RuntimeError(f"scene {scene.key}: found no caption of {SHORTEST} to {LONGEST} words")


def _choose(dice: Dice, scene: Scene, entities: dict[int, Entity]) -> tuple[list[int], list[Relation]]:
    """Chooses the entities that are named: connected by relations, 40 to 80 % of the objects."""
    total = sum(entity.count for entity in entities.values())
    # After a removal the remaining entities may no longer be connected; then any share of the objects is accepted.
    cut = len(scene.relations) < max(1, len(entities) - 1)
    while True:
        size = dice.pick(_NAMED.get(len(entities), (1,)))
        named = [dice.pick(list(entities))]
        edges: list[Relation] = []
        while len(named) < size:
            open_edges = [r for r in scene.relations if (r.subject in named) != (r.object in named)]
            if not open_edges:
                break
            weights = [1.0 if r.name in words.SPATIAL else 2.0 for r in open_edges]
            edge = dice.weighted(open_edges, weights)
            edges.append(edge)
            named.append(edge.object if edge.subject in named else edge.subject)
        if cut or 0.4 <= sum(entities[n].count for n in named) / total <= 0.8:
            return named, edges


def _sentence(
    dice: Dice, scene: Scene, entities: dict[int, Entity], named: list[int], edges: list[Relation]
) -> list[str]:
    """One attempt at a sentence, as a list of phrases; its length is not checked here."""
    steps = _order(dice, named, edges)
    subject = entities[steps[0][1]] if steps else entities[named[0]]
    place = dice.zipf(words.PLACES[scene.background], _STEEP - 1) if dice.chance(0.8) else ""
    say_light = dice.chance(0.06 if scene.light == "day" else 0.3)
    light = dice.zipf(words.LIGHT_PHRASES[scene.light], _STEEP - 1) if say_light else ""
    adverb = dice.zipf(words.ADVERBS, 1.6) if dice.chance(0.05) else ""

    added = [step for step in steps if step[0].name == "and"]
    told = [step for step in steps if step[0].name != "and"]
    predicate: list[str] = []
    for i, (relation, first, other) in enumerate(told):
        again = i > 0 and first == told[i - 1][1] and relation.name not in words.SPATIAL
        predicate += [*(["while"] if again else []), _relation(dice, relation, first, entities)]
        predicate.append(noun_phrase(dice, entities[other]))
    bare = not told
    if bare or (told[0][0].name in words.SPATIAL and dice.chance(0.3)):
        predicate.insert(0, _posture(dice, subject))
    tail = ["and", noun_phrase(dice, entities[added[0][2]])] if added else []

    be = "is" if subject.count == 1 else "are"
    who = noun_phrase(dice, subject)
    opening = dice.zipf(words.INTRODUCTIONS, 1.2).format(be=be)
    form = dice.weighted(("plain", "opening", "place first", "place inside", "light first"), (4, 4, 3, 2, 1))
    if form == "opening":
        return [opening, who, *predicate, adverb, place, light, *tail]
    if form == "place first":
        return [place, light, who, be, *predicate, adverb, *tail]
    if form == "place inside":
        return [who, place, be, *predicate, adverb, light, *tail]
    if form == "light first":
        return [light, who, be, *predicate, adverb, place, *tail]
    return [who, be, adverb, *predicate, place, light, *tail]


def _order(dice: Dice, named: list[int], edges: list[Relation]) -> list[tuple[Relation, int, int]]:
    """Orders the relations so that each starts from an entity that is already mentioned.

    Relations are worded from their subject wherever the tree allows it; "and" always comes last.
    """
    told = [edge for edge in edges if edge.name != "and"]
    added = [edge for edge in edges if edge.name == "and"]
    options = []
    starts = {n for edge in told for n in (edge.subject, edge.object)} or {edge.subject for edge in added} or named
    for start in sorted(starts):
        steps, known, cost = [], {start}, 0.0
        rest = list(told)
        while rest:
            ready = [e for e in rest if e.subject in known or e.object in known]
            edge = min(ready, key=lambda e: (e.name in words.SPATIAL, e.subject not in known))
            rest.remove(edge)
            forward = edge.subject in known
            first, other = (edge.subject, edge.object) if forward else (edge.object, edge.subject)
            cost += 0.0 if forward else (0.6 if edge.name in words.SPATIAL else 1.6)
            known.add(other)
            steps.append((edge, first, other))
        options.append((cost + dice.unit(), start, steps))
    _, start, steps = min(options, key=lambda option: option[0])
    for edge in added:
        known = {start} | {other for _, _, other in steps}
        first, other = (edge.subject, edge.object) if edge.subject in known else (edge.object, edge.subject)
        steps.append((edge, first, other))
    return steps


def noun_phrase(dice: Dice, entity: Entity) -> str:
    """The noun phrase of an entity: number, size, colour, kind; for people the colour is that of their clothes."""
    singular, plural = dice.zipf(KINDS[entity.kind].words, _STEEP)
    colour = dice.zipf((entity.colour, *words.COLOUR_SYNONYMS[entity.colour]), 4.5) if dice.chance(0.7) else ""
    size = ""
    if dice.chance(0.22):
        size = "large" if entity.area > 0.1 else "small" if entity.area < 0.03 else ""
        size = dice.zipf(words.SIZES[size], 1.8) if size else ""
    flavour = dice.zipf(words.FLAVOUR, 1.5) if dice.chance(0.05) else ""
    behind = ""
    if colour and entity.kind in PEOPLE:
        garment = dice.zipf(words.CLOTHES[entity.kind], _STEEP)
        plain = entity.count > 1 or dice.chance(0.6)
        behind, colour = (f"in {colour}" if plain else f"in {_article(colour)} {colour} {garment}"), ""
    before = [word for word in (flavour, size, colour) if word]
    if entity.count == 1:
        return " ".join([_article([*before, singular][0]), *before, singular, behind]).strip()
    return " ".join([dice.zipf(words.PLURALS[entity.count], _STEEP), *before, plural, behind]).strip()


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _relation(dice: Dice, relation: Relation, first: int, entities: dict[int, Entity]) -> str:
    phrases = words.FORWARD if first == relation.subject else words.BACKWARD
    return dice.zipf(phrases[relation.name], _STEEP + 0.6)


def _posture(dice: Dice, entity: Entity) -> str:
    kind = "alive" if entity.kind in ANIMATE else "airborne" if KINDS[entity.kind].airborne else "thing"
    return dice.zipf(words.POSTURES[kind], _STEEP)
