"""The displayed names of the methods and the meaning of their colours."""

import dataclasses

from lrp_jax.captions.render.case import Case, is_by_pixel, regions_are_boxes


@dataclasses.dataclass(frozen=True)
class Wording:
    """The texts about a method.

    Attributes:
        title: the name of the method.
        noun: the name of one value.
        meaning: the meaning of the colours, with {support} and {oppose} for the names of the two colours.
        low, high: the ends of the colour scale; low="" for methods whose maps have no negative values.
        unit: the unit of the map.
        label: a short title for the head of a column; "" if the title is short.
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
        "{support} supports the word and {oppose} opposes it, in the picture and in the preceding words.",
        label="LRP",
    ),
    "gradient": Wording(
        "gradient",
        "gradient",
        "larger values where it is {support} would raise the score of the word, larger values where it is {oppose} "
        "would lower it, in the picture and in the preceding words.",
        low="lowers the score",
        high="raises the score",
    ),
    "grad_cam": Wording(
        "Grad-CAM",
        "Grad-CAM",
        "in the picture {support} supports the word; in the preceding words {support} would raise its score and "
        "{oppose} would lower it.",
        low="",
    ),
    "gradient_x_input": Wording(
        "gradient times input",
        "gradient times input",
        "{support} supports the word and {oppose} opposes it, to first order, in the picture and in the preceding "
        "words.",
    ),
    "guided_backprop": Wording(
        "guided backpropagation",
        "guided gradient",
        "in the picture {support} and {oppose} are the signs of a gradient that follows only paths which support the "
        "word; in the preceding words {support} would raise its score and {oppose} would lower it.",
        low="lowers the score",
        high="raises the score",
    ),
    "guided_grad_cam": Wording(
        "Guided Grad-CAM",
        "Guided Grad-CAM",
        "in the picture {support} and {oppose} show the details of the regions that support the word; in the preceding "
        "words {support} would raise its score and {oppose} would lower it.",
        low="lowers the score",
        high="raises the score",
    ),
    "attention": Wording(
        "attention",
        "attention",
        "{support} is where the model's attention was at this word.",
        low="",
        high="more attention",
    ),
    "visual_attention": Wording(
        "attention times its visual share (1 − β)",
        "attention",
        "{support} is where the model's attention was at this word; it is pale if the attention was on the preceding "
        "text instead.",
        low="",
        high="more attention",
        label="attention × (1 − β)",
    ),
    "integrated_gradients": Wording(
        "integrated gradients",
        "integrated gradient",
        "{support} supports the word and {oppose} opposes it, compared with a blank picture (or, for the preceding "
        "words, with zero input).",
    ),
    "smooth_grad": Wording(
        "SmoothGrad",
        "smoothed gradient",
        "larger values where it is {support} would raise the score of the word, larger values where it is {oppose} "
        "would lower it, on average over noisy copies of the picture and of the preceding words.",
        low="lowers the score",
        high="raises the score",
    ),
    "occlusion": Wording(
        "occlusion",
        "lost score",
        "the score of the word falls if a {support} part of the picture is covered or a {support} preceding word is "
        "removed, and rises for {oppose}.",
        low="score rises",
        high="score falls",
    ),
}


def wording_of(case: Case) -> Wording:
    """The texts for a case; a method that is not in the table is described as signed, like LRP."""
    explanation = case.explanation
    method = explanation.method
    wording = WORDING.get(method) or dataclasses.replace(WORDING["lrp"], title=method)
    head = "" if explanation.head is None else f", through attention head {explanation.head} only"
    if is_by_pixel(explanation):
        place = "pixel"
    else:
        place = "box pixel" if regions_are_boxes(case) else "region"
    return dataclasses.replace(wording, title=wording.title + head, unit=f"{wording.noun} per {place}")
