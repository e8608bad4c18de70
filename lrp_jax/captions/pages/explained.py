"""Captions and explains one picture: the question, and the case to draw."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from lrp_jax.captions import explain, render
from lrp_jax.captions.data.bottom_up import Regions, RegionStore
from lrp_jax.captions.data.domain import domain_of
from lrp_jax.captions.models.decoding import Beam
from lrp_jax.captions.pages.batch import Picture, presentable
from lrp_jax.captions.runs.speaker import REST, Caption, Speaker, features_of
from lrp_jax.captions.words import words_of
from lrp_jax.captions.words.objects import mentions


class QuestionError(ValueError):
    """No picture can be explained with this question; the message is one line that begins with the wrong field."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Question:
    """What to explain of a picture, and how.

    Attributes:
        words: explain only these words of the caption; all words if empty.
        caption: explain this caption instead of the model's own.
        method: the names of the methods, side by side if there are several.
        against: explain the lead of each word over this one, or over all others if it is "rest".
        head: explain through this attention head only (MH-FC), -1 being the last.
        beam: width of the beam that finds a caption; 1 is greedy.
        max_length: most tokens of a decoded caption.
        words_per_chunk: words that share a backward pass; fewer take less memory.
    """

    words: tuple[str, ...] = ()
    caption: str | None = None
    method: tuple[str, ...] = ("lrp",)
    against: str | None = None
    head: int | None = None
    beam: int = 3
    max_length: int = 20
    words_per_chunk: int | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Captioned:
    """An encoded picture and its caption.

    Attributes:
        seen: the image with its encoder, or regions that were computed elsewhere.
        said: the caption.
    """

    seen: explain.View | Regions
    said: Caption


def caption_pictures(
    speaker: Speaker, question: Question, pictures: Sequence[tuple[Picture, np.ndarray]]
) -> list[Captioned]:
    """Encodes several images and captions them together, or takes the caption of the question.

    Args:
        speaker: the models.
        question: the question, checked by `check`.
        pictures: the images with their pixels, at the encoder's input size if there is an encoder.

    Raises:
        ValueError: an image has no features, or its caption is empty.
    """
    if speaker.encoder is None:
        seen = [find_regions(speaker.regions, picture) for picture, _ in pictures]
    else:
        # If the caption lacks the requested words, only the features are needed.
        rules = None if question.words else explain.method_of(question.method[0]).backward_rules
        seen = [speaker.see(pixels, rules) for _, pixels in pictures]
    if question.caption is not None:
        said = [speaker.given(question.caption)] * len(seen)
    else:
        decoder = Beam(width=question.beam, max_length=question.max_length)
        said = speaker.caption([features_of(one) for one in seen], decoder)
    if not all(len(caption) for caption in said):
        raise ValueError("got an empty caption from the model; there is nothing to explain: use another picture")
    return [Captioned(*both) for both in zip(seen, said, strict=True)]


def begin_picture(
    speaker: Speaker,
    question: Question,
    picture: Picture,
    pixels: np.ndarray,
    captioned: Captioned,
    remarks: Sequence[str] = (),
) -> Callable[[], render.Case | render.Comparison] | None:
    """Starts to explain the words of an image's caption.

    Args:
        speaker: the models.
        question: the question, checked by `check`.
        picture: the image.
        pixels: of the image, at the encoder's input size if there is an encoder.
        captioned: the same image with its caption, see `caption_pictures`.
        remarks: notes for the page, a sentence each.

    Returns:
        A function that waits for the explanations and makes the case to draw, or None if none of the requested words
        occurs in the caption.
    """
    seen, said = captioned.seen, captioned.said
    words = [speaker.words.words[token] for token in said.tokens]
    rows = range(len(said))
    if question.words:
        missing = [word for word in question.words if word not in words]
        if missing:
            print(f"{picture.name}: no {_listed(missing)} in the caption {str(said)!r}", flush=True)
        rows = [row for row in rows if words[row + 1] in question.words]
        if not rows:
            return None
    named = objects(speaker, words)
    # The record rates every object that the caption names, so these words need pixels even if they are not shown.
    to_pixels = sorted({*rows, *(found.position - 1 for found in named)})
    how = {"head": question.head, "against": question.against, "words_per_chunk": question.words_per_chunk}
    padded = speaker.padded(said.ids)
    explanations = [speaker.explain_padded(seen, padded, method, rows=to_pixels, **how) for method in question.method]

    def finish() -> render.Case | render.Comparison:
        shown = presentable(pixels if picture.show is None else picture.show())
        remarked = [*notes(question), *remarks]
        cases = []
        for explanation in explanations:
            explanation = explanation.first(len(said))
            about = {"boxes": explanation.boxes, "notes": remarked, "objects": named}
            cases.append(render.Case(picture.name, shown, words, explanation, rows, **about))
        return cases[0] if len(cases) == 1 else render.Comparison(cases)

    return finish


def notes(question: Question) -> list[str]:
    """Notes for the page that follow from the question."""
    result = []
    if question.caption is not None:
        result.append("This caption was given; the model did not choose it.")
    if question.against is not None:
        other = "all other words" if question.against == REST else f"“{question.against}”"
        result.append(f"Explained is the lead of each word over {other}, and not its score alone.")
    return result


def objects(speaker: Speaker, words: Sequence[str]) -> list[render.ObjectWord]:
    """The objects that a caption (start token first) names; the object words are those of the training data."""
    found = mentions(words[1:], domain_of(speaker.config.get("source") or "").words)
    # Position 0 of a mention is the first word after the start token; a name of several words counts at its last word.
    return [render.ObjectWord(" ".join(m.words), m.category, m.position + len(m.words)) for m in found]


def find_regions(store: RegionStore, picture: Picture) -> Regions:
    """The regions of a picture, by the name of its file, with boxes that are turned as its pixels are."""
    name = pathlib.PurePath(picture.name).stem
    if name not in store:
        raise ValueError(f"{store.folder} has no features of {name!r}; it has such as {', '.join(store.ids[:2])}")
    image = picture.content if picture.file is None else picture.file
    return store[name] if image is None else store[name].of(image)


def check(speaker: Speaker, question: Question) -> list[str]:
    """Checks a question, and returns one line for each field that has words unknown to the model, the field name first.

    Raises:
        QuestionError: no picture can be explained with this question: the caption has no words, the model knows none of
            `words`, does not know `against` or has no such `head`, or a method cannot contrast.
    """
    _check_head(speaker, question)
    return [*_check_words(speaker, question), *_check_against(speaker, question)]


def _check_words(speaker: Speaker, question: Question) -> list[str]:
    known, remarks = speaker.words.ids, []
    if question.caption is not None:
        tokens = words_of(question.caption)
        if not tokens:
            raise QuestionError(f"caption={question.caption!r}: got no words")
        unknown = [token for token in tokens if token not in known]
        if unknown:
            remarks.append(f"caption: the model does not know {_listed(unknown)} and reads <unk> instead")
    unknown = [word for word in question.words if word not in known]
    if unknown:
        line = f"words: the model does not know {_listed(unknown)} and never says it"
        if len(unknown) == len(question.words):
            raise QuestionError(line)
        remarks.append(line)
    return remarks


def _check_head(speaker: Speaker, question: Question) -> None:
    heads = getattr(speaker.captioner, "heads", 0)
    if question.head is not None and not -heads <= question.head < heads:
        wanted = (
            f"wanted 0 to {heads - 1}, or -1 for the last" if heads else "this captioner has no heads, leave it out"
        )
        raise QuestionError(f"head={question.head}: {wanted}")


def _check_against(speaker: Speaker, question: Question) -> list[str]:
    if question.against is None:
        return []
    if question.against != REST and question.against not in speaker.words.ids:
        raise QuestionError(
            f"against={question.against}: the model does not know this word; wanted one that it knows, or {REST}"
        )
    unable = [name for name in question.method if not explain.METHODS[name].contrastive]
    if unable:
        raise QuestionError(
            f"against={question.against}: {', '.join(unable)} does not depend on the explained word; "
            "leave it out of the methods"
        )
    return []


def _listed(words: Sequence[str]) -> str:
    return ", ".join(map(repr, dict.fromkeys(words)))
