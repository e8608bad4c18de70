"""What the methods are called and what their colours mean, in words for readers."""

import dataclasses

from lrp_jax.captions.render.case import Case, is_by_pixel, regions_are_boxes


@dataclasses.dataclass(frozen=True)
class Wording:
    """How a method is spoken of.

    Attributes:
        title: the method's name.
        noun: what one value is called.
        meaning: what the colours mean, with {support} and {oppose} where the names of the two colours stand.
        low, high: the ends of the colour scale; low="" for methods whose maps have no negative values.
        unit: what one value of the map is.
        label: a short title for the head of a column; "" where the title is short.
    """

    title: str
    noun: str
    meaning: str
    low: str = "against the word"
    high: str = "for the word"
    unit: str = ""
    label: str = ""


WORDING = {
    "lrp": Wording(
        "layer-wise relevance propagation (LRP)",
        "relevance",
        "{support} speaks for it and {oppose} against it, in the picture and in the words before it.",
        label="LRP",
    ),
    "gradient": Wording(
        "gradient",
        "gradient",
        "more of what is {support} would raise its score and more of what is {oppose} lower it, in the picture and "
        "in the words before it.",
        low="lowers the score",
        high="raises the score",
    ),
    "grad_cam": Wording(
        "Grad-CAM",
        "Grad-CAM",
        "{support} speaks for it in the picture; of the words before it, {support} would raise its score and {oppose} "
        "lower it.",
        low="",
    ),
    "gradient_x_input": Wording(
        "gradient times input",
        "gradient times input",
        "{support} speaks for it and {oppose} against it, to first order, in the picture and in the words before it.",
    ),
    "guided_backprop": Wording(
        "guided backpropagation",
        "guided gradient",
        "{support} and {oppose} are where the picture speaks for it along open rectifiers; of the words before it, "
        "{support} would raise its score and {oppose} lower it.",
        low="lowers the score",
        high="raises the score",
    ),
    "guided_grad_cam": Wording(
        "Guided Grad-CAM",
        "Guided Grad-CAM",
        "{support} and {oppose} are the detail of what speaks for it in the picture; of the words before it, {support} "
        "would raise its score and {oppose} lower it.",
        low="lowers the score",
        high="raises the score",
    ),
    "attention": Wording(
        "attention",
        "attention",
        "{support} is where the model looked when it said it.",
        low="",
        high="more attention",
    ),
    "visual_attention": Wording(
        "attention times its visual share (1 − β)",
        "attention",
        "{support} is where the model looked when it said it, and pale if it went by the text so far instead.",
        low="",
        high="more attention",
        label="attention × (1 − β)",
    ),
    "integrated_gradients": Wording(
        "integrated gradients",
        "integrated gradient",
        "{support} speaks for it and {oppose} against it, compared with a blank picture (or, for the words before it, "
        "with no input at all).",
    ),
    "smooth_grad": Wording(
        "SmoothGrad",
        "smoothed gradient",
        "more of what is {support} would raise its score and more of what is {oppose} lower it, on average over noisy "
        "copies of the picture and of the words before it.",
        low="lowers the score",
        high="raises the score",
    ),
    "occlusion": Wording(
        "occlusion",
        "lost score",
        "without what is {support} its score would fall, and without what is {oppose} rise: a part of the picture "
        "covered, or one of the words before it left out.",
        low="score rises",
        high="score falls",
    ),
}


def wording_of(case: Case) -> Wording:
    """The wording for a case; a method that is not in the table is taken to be signed like LRP."""
    explanation = case.explanation
    method = explanation.method
    wording = WORDING.get(method) or dataclasses.replace(WORDING["lrp"], title=method)
    head = "" if explanation.head is None else f", through attention head {explanation.head} only"
    if is_by_pixel(explanation):
        place = "pixel"
    else:
        place = "box pixel" if regions_are_boxes(case) else "region"
    return dataclasses.replace(wording, title=wording.title + head, unit=f"{wording.noun} per {place}")
