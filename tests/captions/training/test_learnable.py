"""A run that could not learn anything says so before it begins."""

import logging
import math

import numpy as np
import pytest

from lrp_jax.captions.data.images import LazyImages
from lrp_jax.captions.images import Example
from lrp_jax.captions.metrics import cider
from lrp_jax.captions.runs.settings import SettingsError, paper_settings
from lrp_jax.captions.training import loop, train_and_evaluate
from lrp_jax.captions.training.learnable import check_learnable, is_always_zero
from lrp_jax.captions.training.material import Material
from lrp_jax.captions.words import Vocabulary

TRAIN = [("a red dog", "a dog runs"), ("a blue cat",), ("two cats on a red mat",), ("the dog sleeps",)]
VALIDATION = [("a red cat",), ("a dog runs",)]


def material(train=TRAIN, validation=VALIDATION, test=VALIDATION, min_count=1, features=None, words=None):
    references = {"train": train, "validation": validation, "test": test}
    if words is None:
        words = Vocabulary.build((text for texts in train for text in texts), min_count)
    images = dict.fromkeys(references, np.random.default_rng(0).normal(size=(40, 4, 3)))
    if features is not None:
        images["train"] = features
    return Material(None, False, {}, images, references, words)


def config(**changes):
    found = paper_settings()
    found.update({"lengths": (8,), "min_count": 1} | changes)
    return found


def test_a_run_that_can_learn_passes_without_a_word():
    assert check_learnable(material(), config()) == []
    assert check_learnable(material(), config(objective="scst")) == []


OTHER_WORDS = Vocabulary.build(["zebra stripes"])
REFUSED = {
    "empty vocabulary": (
        {"min_count": 9},
        {"min_count": 9},
        "config.min_count is 9: no word of the 5 training captions is said so often, and all would be <unk>; wanted at "
        "most 4, which is how often 'a' is said",
    ),
    "words of another run": (
        {"words": OTHER_WORDS},
        {},
        "config.source: no word of the 5 training captions is among the 6 words of config.init_from",
    ),
    "no training captions": ({"train": [(), ()]}, {}, "config.source: wanted captions to train on, and none of the 2"),
    "captions of punctuation": ({"train": [("...",), ("!",)]}, {}, "config.source: wanted captions to train on"),
    "no training images": ({"train": []}, {}, "config.source: wanted captions to train on, and none of the 0 images"),
    "constant target": (
        {"train": [("A dog.",), ("a dog",)]},
        {},
        "config.source: all 2 training captions are read as 'a dog', so that nothing is to be learnt",
    ),
    "constant after unknown words": (
        {"train": [("a fox",), ("a dog",), ("a pig",)], "min_count": 3, "validation": [("a",), ("fox",)]},
        {},
        "all 3 training captions are read as 'a <unk>'",
    ),
    "one training caption": ({"train": [("a dog",)]}, {}, "config.source: the one training caption is read as 'a dog'"),
    "captions longer than the model's": (
        {},
        {"lengths": (2, 3)},
        "config.lengths ends with 3: all 5 training captions have as many words or more and would be cut, so that no "
        "end could be learnt; wanted up to 7, <end> included",
    ),
    "validation of one image": (
        {"validation": [("a red cat", "a cat")]},
        {},
        "config.source: CIDEr of split validation is 0 for every caption: it is one image",
    ),
    "validation of equal references": (
        {"validation": [("a cat", "a dog"), ("A dog", "a cat."), ("a cat", "a dog")]},
        {},
        "CIDEr of split validation is 0 for every caption: its 3 images have the same words",
    ),
    "validation in another language": (
        {"validation": [("ein Hund",), ("eine Katze",)]},
        {},
        "its 2 images have the same words in their captions, as far as the model knows them",
    ),
    "validation without images": ({"validation": []}, {}, "config.source: split validation has no images"),
    "test without images": ({"test": []}, {}, "config.source: split test has no images"),
    "an image without references": (
        {"test": [("a cat",), (), ("", " "), ("a dog",)]},
        {},
        "config.source: 2 of 4 images of split test have no caption to be scored with",
    ),
    "a reward that is always 0": (
        {"train": [("a dog", "a cat"), ("a cat", "a dog")]},
        {"objective": "scst"},
        "config.source: CIDEr, the reward of config.objective='scst', is 0 for every caption",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_run_that_cannot_learn_is_refused_in_a_line(case):
    data, settings, message = REFUSED[case]
    with pytest.raises(SettingsError) as refusal:
        check_learnable(material(**data), config(**settings))
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_what_spoils_a_run_is_said():
    cut = [("a dog",)] * 4 + [("one two three four five six seven eight",), ("a cat",)]
    (remark,) = check_learnable(material(train=cut), config())
    assert remark == (
        "config.lengths ends with 8, <end> included: 1 of 6 training captions are longer and are cut; "
        "the longest needs 9"
    )
    rare = [("a dog", "a dog"), ("zebras eat fresh grass", "some lions sleep until noon")]
    (remark,) = check_learnable(material(train=rare, min_count=2), config(min_count=2))
    assert remark == "config.min_count is 2: 69% of the training words are <unk>"
    (remark,) = check_learnable(material(test=[("a cat",)]), config())
    assert remark.startswith("CIDEr of split test is 0 for every caption: it is one image")
    (remark,) = check_learnable(material(features=np.ones((40, 4, 3))), config())
    assert remark == "the features of 4 training images are all the same: captions cannot be learnt from them"


@pytest.mark.parametrize(
    "references",
    [
        [("a cat",)],
        [("a cat",), ("a cat",)],
        [("a cat", "a dog"), ("a dog", "a cat")],
        [("a cat",), ("a cat", "a cat")],
        [("a cat",), ("cat a",)],
        [("a b a b",), ("a b a",)],
        [("a cat",), ("a dog",)],
        [("a cat",), ("a cat",), ("a cat sleeps",)],
        [("a",), ("a a",)],
    ],
)
def test_it_is_zero_where_no_caption_scores(references):
    """Against CIDEr itself: some reference, said of every image, scores above 0, or none does."""
    known = Vocabulary.build(text for texts in references for text in texts)
    said = [text for texts in references for text in texts]
    best = max(cider([text] * len(references), references)[0] for text in said)
    assert is_always_zero(references, known) == math.isclose(best, 0, abs_tol=1e-12)


def test_the_run_ends_before_anything_is_written(tmp_path):
    def images(texts):
        return [
            Example(str(i), np.full((32, 32, 3), 20 * i, np.uint8), tuple(captions)) for i, captions in enumerate(texts)
        ]

    settings = config(encoder="scenes")
    with pytest.raises(SettingsError, match="it is one image"):
        train_and_evaluate(
            settings,
            tmp_path / "run",
            splits={"train": images(TRAIN), "validation": images(VALIDATION[:1]), "test": images(VALIDATION)},
        )
    assert not (tmp_path / "run").exists()


def test_pixels_are_compared_where_the_encoder_is_trained():
    images = [Example(str(i), np.zeros((8, 8, 3), np.uint8), texts) for i, texts in enumerate(TRAIN)]
    found = material(features=LazyImages(images, (8, 8)))
    found = Material(None, True, found.splits, found.images, found.references, found.words)
    assert check_learnable(found, config()) == [
        "the pixels of 4 training images are all the same: captions cannot be learnt from them"
    ]


def test_remarks_are_warnings(tmp_path, caplog, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "check_learnable", lambda *_: ["the images are upside down"])
    monkeypatch.setattr(loop, "_write_beginning", stop)
    examples = [Example(str(i), np.zeros((32, 32, 3), np.uint8), texts) for i, texts in enumerate(TRAIN)]
    with caplog.at_level(logging.WARNING), pytest.raises(KeyboardInterrupt):
        train_and_evaluate(
            config(encoder="scenes"), tmp_path / "run", splits={"train": examples, "validation": examples}
        )
    assert "the images are upside down" in caplog.text
