"""Whether a run can learn anything at all, said before its first step: that it could not shows nowhere later."""

from collections.abc import Iterable, Sequence

import ml_collections
import numpy as np

from lrp_jax.captions.runs.settings import SettingsError
from lrp_jax.captions.training.material import Material
from lrp_jax.captions.words import SPECIAL, UNK, Vocabulary, words_of

CUT = 0.1
"""The share of captions longer than the model's from which on it is said that there are such."""
UNKNOWN = 0.5
"""The share of unknown words from which on it is said that there are such."""
_LOOKED_AT = 8  # images whose features are compared


def check_learnable(material: Material, config: ml_collections.ConfigDict) -> list[str]:
    """Refuses data from which nothing can be learnt, or of which no score could tell that it was.

    Args:
      material: the data.
      config: the settings of the run.

    Returns:
      What spoils a run and does not make it senseless, a line each.

    Raises:
      SettingsError: there is no caption, or no known word, to train on; all captions are read as the same, or are
        longer than the model's; a split has no images or one without a caption; the CIDEr of every caption is 0 in
        validation, or as a reward.
    """
    remarks = [
        *_check_words(material, config),
        *_check_lengths(material, config),
        *_check_targets(material, config),
        *_check_reward(material, config),
    ]
    for split in ("validation", *material.test_splits):
        remarks += _check_split(material, split)
    return remarks


def is_always_zero(references: Iterable[Sequence[str]], known: Vocabulary) -> bool:
    """Whether the CIDEr of every caption that can be said is 0 on these images.

    CIDEr counts an n-gram by the logarithm of the share of images that have it in a reference, which is 0 for one that
    all have. So some caption scores above 0 if, and only if, of the n-grams (n to 4) of words that the model knows an
    image has one that another has not.

    Args:
      references: of each image.
      known: the words that can be said.
    """
    found = (_n_grams(texts, known) for texts in references)
    first = next(found, frozenset())
    return all(one == first for one in found)


def _n_grams(texts: Sequence[str], known: Vocabulary) -> frozenset[tuple[str, ...]]:
    grams = set()
    for words in map(words_of, texts):
        runs = (tuple(words[i : i + n]) for n in range(1, 5) for i in range(len(words) - n + 1))
        grams.update(run for run in runs if all(word in known.ids for word in run))
    return frozenset(grams)


def _check_words(material: Material, config: ml_collections.ConfigDict) -> list[str]:
    """Words to train on, most of them known."""
    said = [caption for texts in material.captions for caption in texts if caption]
    if not said:
        raise SettingsError(f"config.source: wanted captions to train on, and none of {_images(material)} has one")
    total = sum(map(len, said))
    unknown = sum(index == UNK for caption in said for index in caption)
    if unknown == total:
        if len(material.words) > len(SPECIAL):  # those of the run that this one starts from
            raise SettingsError(
                f"config.source: no word of the {len(said)} training captions is among the {len(material.words)} words "
                "of config.init_from; wanted captions in its words, or a run without config.init_from"
            )
        word, count = _most_frequent(material)
        raise SettingsError(
            f"config.min_count is {config.min_count}: no word of the {len(said)} training captions is said so often, "
            f"and all would be <unk>; wanted at most {count}, which is how often {word!r} is said"
        )
    if unknown >= UNKNOWN * total:
        return [f"config.min_count is {config.min_count}: {unknown / total:.0%} of the training words are <unk>"]
    return []


def _most_frequent(material: Material) -> tuple[str, int]:
    counts: dict[str, int] = {}
    for texts in material.references["train"]:
        for word in (word for text in texts for word in words_of(text)):
            counts[word] = counts.get(word, 0) + 1
    word = max(counts, key=lambda word: (counts[word], word))
    return word, counts[word]


def _check_lengths(material: Material, config: ml_collections.ConfigDict) -> list[str]:
    """Captions that end before the model's longest."""
    longest = max(config.lengths)
    said = [len(caption) for texts in material.captions for caption in texts]
    cut = sum(length >= longest for length in said)
    if cut == len(said):
        raise SettingsError(
            f"config.lengths ends with {longest}: all {cut} training captions have as many words or more and would be "
            f"cut, so that no end could be learnt; wanted up to {max(said) + 1}, <end> included"
        )
    if cut >= CUT * len(said):
        return [
            f"config.lengths ends with {longest}, <end> included: {cut} of {len(said)} training captions are longer "
            f"and are cut; the longest needs {max(said) + 1}"
        ]
    return []


def _check_targets(material: Material, config: ml_collections.ConfigDict) -> list[str]:
    """Captions that differ, of images that do."""
    longest = max(config.lengths)
    targets = {tuple(caption[:longest]) for texts in material.captions for caption in texts}
    if len(targets) == 1:
        count = sum(map(len, material.captions))
        text = " ".join(material.words.words[index] for index in next(iter(targets)))
        raise SettingsError(
            f"config.source: {'the one training caption is' if count == 1 else f'all {count} training captions are'} "
            f"read as {text!r}, so that nothing is to be learnt from the images; wanted captions that differ"
        )
    images, count = material.images["train"], len(material.captions)
    places = np.unique(np.linspace(0, count - 1, _LOOKED_AT).astype(int))
    some = [np.asarray(images[place[None]])[0] for place in places]
    if len(some) > 1 and all(np.array_equal(one, some[0]) for one in some[1:]):
        what = "pixels" if material.trains_encoder else "features"
        return [f"the {what} of {len(some)} training images are all the same: captions cannot be learnt from them"]
    return []


def _check_reward(material: Material, config: ml_collections.ConfigDict) -> list[str]:
    if config.objective == "scst" and is_always_zero(filter(None, material.references["train"]), material.words):
        raise SettingsError(
            "config.source: CIDEr, the reward of config.objective='scst', is 0 for every caption, because all training "
            "images have the same words; wanted images whose captions differ"
        )
    return []


def _check_split(material: Material, split: str) -> list[str]:
    """Images with captions, of which some can score above 0."""
    references = material.references[split]
    if not len(references):
        raise SettingsError(f"config.source: split {split} has no images; wanted at least two with captions")
    without = sum(not any(map(words_of, texts)) for texts in references)
    if without:
        raise SettingsError(
            f"config.source: {without} of {len(references)} images of split {split} have no caption to be scored with; "
            "wanted one for each"
        )
    if not is_always_zero(references, material.words):
        return []
    if len(references) == 1:
        why = "it is one image, and CIDEr counts only words that not all images have"
    else:
        why = f"its {len(references)} images have the same words in their captions, as far as the model knows them"
    line = f"CIDEr of split {split} is 0 for every caption: {why}"
    if split != "validation":
        return [line]
    raise SettingsError(
        f"config.source: {line}; no epoch could be told from another. Wanted at least two images with different "
        "captions: more images, or a split of your own (docs/DATA.md)"
    )


def _images(material: Material) -> str:
    return f"the {len(material.captions)} images of split train"
