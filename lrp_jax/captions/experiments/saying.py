"""Captions and their true words as columns of rows, for all measures of the truth of captions."""

import functools
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from lrp_jax.captions.data.features import list_images
from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.experiments.experiment import Context, Row
from lrp_jax.captions.metrics import cider
from lrp_jax.captions.metrics.frequent_words import WordPrecision, names_said, word_precision
from lrp_jax.captions.words import words_of
from lrp_jax.captions.words.objects import Mention, mentions

_BETWEEN = "|"  # separator; it is not part of any token


def saying(case: Case) -> Row:
    """A caption and its true words.

    Returns:
      `caption`: its words, separated by blanks; `confirmed`: those that a reference contains; `there`: the names of
      objects that are in the image. The latter two are separated by "|"; a name of several words is one item.
    """
    said = names_said(case.words, case.domain.words)
    references = [names_said(words_of(text), case.domain.words) for text in case.example.captions]
    there = {" ".join(mention.words) for mention in case.mentions if mention.category in case.present}
    return {
        "caption": " ".join(case.words),
        "confirmed": _BETWEEN.join(sorted(said & frozenset().union(*references))),
        "there": _BETWEEN.join(sorted(there)),
    }


def names(text: str) -> frozenset[str]:
    """The names in a column of `saying`."""
    return frozenset(text.split(_BETWEEN)) - {""}


def mentions_of(row: Mapping[str, str], context: Context) -> list[tuple[Mention, bool]]:
    """The objects that the caption of a row names, and whether they are in the image."""
    there = names(row["there"])
    found = mentions(row["caption"].split(), context.domain.words)
    return [(mention, " ".join(mention.words) in there) for mention in found]


def precision_of(rows: pd.DataFrame, words: Iterable[str], context: Context, truth: str) -> WordPrecision:
    """The precision of words in the captions of rows; `truth` is the column with the true words."""
    said = [names_said(caption.split(), context.domain.words) for caption in rows["caption"]]
    return word_precision(said, [names(text) for text in rows[truth]], list(words))


def false_mentions(rows: pd.DataFrame, context: Context) -> Float[np.ndarray, "rows 2"]:
    """The number of objects that each caption names, and of those that are not in the image."""
    found = [[there for _, there in mentions_of(row, context)] for row in rows.to_dict("records")]
    return np.array([(len(there), len(there) - sum(there)) for there in found], np.float64).reshape(-1, 2)


def cider_of(rows: pd.DataFrame, context: Context, tokenizer=None, without: frozenset[str] = frozenset()) -> np.ndarray:
    """CIDEr of the caption of each row, with the document frequencies of all images of the dataset.

    Args:
      rows: with columns `image`, `caption` and, for several trained models, `start`; their images have references.
      context: provides the references.
      tokenizer: splits captions into words; None for our own.
      without: words that are removed from the references.
    """
    indices = [index for index, texts in enumerate(references(context)) if texts]
    truth = [[cut(text, without) for text in references(context)[index]] for index in indices]
    settings = {} if tokenizer is None else {"tokenizer": tokenizer}
    scores = pd.Series(0.0, rows.index)
    for _, of_start in by_start(rows):
        said = dict(zip(of_start["image"], of_start["caption"], strict=True))
        _, found = cider([said.get(index, "") for index in indices], truth, **settings)
        scores[of_start.index] = of_start["image"].map(dict(zip(indices, found, strict=True)))
    return scores.to_numpy()


def by_start(rows: pd.DataFrame) -> Iterable[tuple[object, pd.DataFrame]]:
    """The rows of each trained model."""
    return rows.groupby("start", sort=True) if "start" in rows else [(0, rows)]


def has_references(rows: pd.DataFrame, context: Context) -> Bool[np.ndarray, " rows"]:
    """Whether the image of each row has reference captions."""
    return np.array([bool(references(context)[image]) for image in rows["image"]], bool)


def cut(text: str, without: frozenset[str]) -> str:
    """A caption without some words; unchanged if `without` is empty."""
    return " ".join(token for token in words_of(text) if token not in without) if without else text


@functools.lru_cache(maxsize=4)
def references(context: Context) -> list[tuple[str, ...]]:
    """The reference captions of each image of the dataset, by its index."""
    if context.references is not None:
        return context.references()
    return [image.captions for image in list_images(context.dataset)]


@functools.lru_cache(maxsize=4)
def training_captions(context: Context) -> list[str]:
    """All captions of the training images; cached for all tables of a run."""
    return [text for texts in context.training_captions() for text in texts]
