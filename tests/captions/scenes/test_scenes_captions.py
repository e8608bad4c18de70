"""Captions: their form, that they tell the truth, and the words they are made of."""

import collections

import pytest
from scene_pool import pool, told

from lrp_jax.captions import scenes
from lrp_jax.captions.scenes import KINDS, words
from lrp_jax.captions.scenes.kinds import PEOPLE
from lrp_jax.captions.words import tokenize

COUNT = 800
STOP = {"a", "an", "the", "in", "on", "at", "of", "to", "is", "are", "and", "by", "this", "there", "here", "we", "you"}
STOP |= {"it", "with", "while", "after", "can", "before", "below", "over", "under", "above"}
PLURAL = {plural for kind in KINDS.values() for _, plural in kind.words}
MODIFIERS = {*words.FLAVOUR, *words.SIZES["large"], *words.SIZES["small"], *scenes.COLOUR_WORDS}
NUMBERS = {"a": 1, "an": 1, "two": 2, "three": 3, "pair of": 2, "couple of": 2, "trio of": 3}
GARMENTS = {garment for garments in words.CLOTHES.values() for garment in garments}


def phrases(text):
    """The noun phrases of a caption: (place of the noun, kind, number, colour or None, article, word after it)."""
    for i, word in enumerate(text):
        if word not in scenes.SYNONYMS:
            continue
        kind, colour, j = scenes.SYNONYMS[word], None, i - 1
        while text[j] in MODIFIERS:
            colour = scenes.COLOUR_WORDS.get(text[j], colour)
            j -= 1
        number = NUMBERS[f"{text[j - 1]} of" if text[j] == "of" else text[j]]
        if kind in PEOPLE and text[i + 1 : i + 2] == ["in"]:
            worn = text[i + 2 : i + 5]
            if worn[0] in scenes.COLOUR_WORDS:
                colour = scenes.COLOUR_WORDS[worn[0]]
            elif len(worn) == 3 and worn[2] in GARMENTS:
                colour = scenes.COLOUR_WORDS[worn[1]]
        yield i, kind, number, colour, text[j], text[j + 1]


@pytest.mark.parametrize("bias", ["strong", "weak"])
def test_form(bias):
    for scene, texts in zip(pool("train", bias, COUNT), told("train", bias, COUNT), strict=True):
        assert len(texts) == 5
        for text in texts:
            assert 9 <= len(text) <= 16
            assert any(word in scenes.SYNONYMS for word in text[6:])
            assert tokenize(" ".join(text)) == text, "our own tokenizer takes a caption apart as it was put together"
            named = sum(number for _, _, number, *_ in phrases(text))
            assert 0.4 <= named / len(scene.objects) <= 0.8


def test_noun_phrases_agree_with_the_scene():
    coloured = 0
    for scene, texts in zip(pool("train", "strong", COUNT), told("train", "strong", COUNT), strict=True):
        entities = {entity.kind: entity for entity in scene.entities}
        for text in texts:
            found = list(phrases(text))
            assert len({kind for _, kind, *_ in found}) == len(found), "nothing is named twice"
            for i, kind, number, colour, article, after in found:
                assert entities[kind].count == number, text
                assert (text[i] in PLURAL) == (number > 1), text
                assert colour in (None, entities[kind].colour), text
                coloured += colour is not None
                if article in ("a", "an") and number == 1:
                    assert (article == "an") == (after[0] in "aeiou"), text
    assert coloured > 3000


def test_verbs_agree_in_number_with_their_subject():
    for texts in told("train", "strong", COUNT):
        for text in texts:
            found = list(phrases(text))
            for verb, plural in (("is", False), ("are", True)):
                if verb in text and text[text.index(verb) - 1 : text.index(verb)] not in (
                    ["this"],
                    ["there"],
                    ["here"],
                ):
                    subject = [p for p in found if p[0] < text.index(verb)]
                    if subject:
                        assert (subject[-1][2] > 1) == plural, text


SAID = {
    "holding": "holding",
    "carrying": "carrying",
    "riding": "riding",
    "pushing": "pushing",
    "chasing": "chasing",
    "watching": "watching",
}


def test_verbs_go_from_subject_to_object():
    count = collections.Counter()
    for scene, texts in zip(pool("train", "strong", COUNT), told("train", "strong", COUNT), strict=True):
        kinds = {entity.number: entity.kind for entity in scene.entities}
        true = {(r.name, kinds[r.subject], kinds[r.object]) for r in scene.relations}
        for text in texts:
            nouns = [(i, kind) for i, kind, *_ in phrases(text)]
            for i, word in enumerate(text):
                if word in SAID:
                    after = next(kind for at, kind in nouns if at > i)
                    before = [kind for at, kind in nouns if at < i]
                    assert any((SAID[word], kind, after) in true for kind in before), text
                    count[word] += 1
    assert set(count) == set(SAID) and min(count.values()) > 5


def test_left_is_not_right():
    seen = 0
    for scene, texts in zip(pool("train", "strong", COUNT), told("train", "strong", COUNT), strict=True):
        middle = {thing.kind: (thing.box[0] + thing.box[2]) / 2 for thing in scene.objects}
        for text in texts:
            nouns = [(i, kind) for i, kind, *_ in phrases(text)]
            for side, sign in (("left", 1), ("right", -1)):
                if len(nouns) == 2 and side in text and nouns[0][0] < text.index(side) < nouns[1][0]:
                    assert sign * (middle[nouns[1][1]] - middle[nouns[0][1]]) > 0, text
                    seen += 1
    assert seen > 200


def test_places_and_light_are_those_of_the_scene():
    for scene, texts in zip(pool("train", "strong", COUNT), told("train", "strong", COUNT), strict=True):
        for text in texts:
            sentence = f" {' '.join(text)} "
            for background, places in words.PLACES.items():
                if any(f" {place} " in sentence for place in places):
                    assert background == scene.background, text
            for light, sayings in words.LIGHT_PHRASES.items():
                if any(f" {saying} " in sentence for saying in sayings):
                    assert light == scene.light, text


@pytest.mark.parametrize("bias, rho", [("strong", 0.8), ("weak", 0.5)])
def test_the_language_bias_is_in_the_words(bias, rho):
    for phrase, partner in scenes.LANGUAGE_PARTNERS.items():
        found = []  # one for each scene: its captions are no independent draws
        for texts in told("train", bias, COUNT):
            after = [
                kind
                for text in texts
                for i, kind, *_ in phrases(text)
                if phrase in text[max(0, i - 5) : i] and not set(text[text.index(phrase) : i]) & set(scenes.SYNONYMS)
            ]
            found += [kind == partner for kind in after[:1]]
        assert len(found) > 25
        assert sum(found) / len(found) == pytest.approx(rho, abs=4 * (rho * (1 - rho) / len(found)) ** 0.5)


def test_vocabulary():
    count = collections.Counter(word for texts in told("train", "strong", COUNT) for text in texts for word in text)
    assert 300 <= len(count) <= 500
    telling = [word for word in count if word not in STOP]
    scaled = {word: count[word] * 8000 / COUNT for word in telling}
    assert sum(3 <= scaled[word] <= 50 for word in telling) > 0.2 * len(telling)
    assert sum(count[word] == 1 for word in telling) > 15, "a tail that a threshold cuts off"


@pytest.mark.slow
def test_vocabulary_of_the_whole_training_split():
    world = scenes.dataset("train")
    count = collections.Counter(
        w for i in range(len(world)) for c in scenes.captions(world.scene(i)) for w in c.split()
    )
    assert 300 <= len(count) <= 500
    telling = [word for word in count if word not in STOP]
    assert sum(3 <= count[word] <= 50 for word in telling) >= 0.25 * len(telling)
    assert sum(count[word] < 5 for word in telling) >= 20


def test_every_word_for_an_object_is_listed_once():
    listed = [word for kind in KINDS.values() for forms in kind.words for word in forms]
    assert len(listed) == len(set(listed)) == len(scenes.SYNONYMS)
    fillers = {w for table in (words.PLACES, words.LIGHT_PHRASES, words.POSTURES) for p in table.values() for w in p}
    fillers |= {*words.INTRODUCTIONS, *words.ADVERBS, *words.FLAVOUR, *GARMENTS}
    fillers |= {w for table in (words.FORWARD, words.BACKWARD) for p in table.values() for w in p}
    assert not {word for filler in fillers for word in filler.split()} & set(scenes.SYNONYMS)


def test_number_words_are_those_of_the_grammar():
    for count, sayings in words.PLURALS.items():
        for saying in sayings:
            assert count in {scenes.NUMBER_WORDS[word] for word in saying.split() if word in scenes.NUMBER_WORDS}


def test_more_captions_begin_with_the_same():
    scene = pool("train", "strong", COUNT)[0]
    assert scenes.captions(scene, 8)[:5] == scenes.captions(scene) == scenes.captions(scene, 5)
    assert scenes.captions(scene, 0) == ()
