"""Reads the question from the fields of the form."""

import dataclasses
from collections.abc import Collection, Sequence

from werkzeug.datastructures import MultiDict

LONGEST = 1000
"""The maximum number of characters in a text field. Each word of a caption needs a backward pass, so a long text would
block the model for minutes, and every other request with it."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """The fields of the form.

    Attributes:
      caption: the caption to explain; None for the model's own.
      words: explain only these words of it, as typed; "" for all.
      against: the word to explain each word against; "" for none.
      method: the names of the methods.
    """

    caption: str | None = None
    words: str = ""
    against: str = ""
    method: tuple[str, ...] = ()


def read_form(form: MultiDict[str, str], methods: Collection[str], chosen: Sequence[str], is_new: bool) -> Asked:
    """Reads the fields; a missing field counts as empty.

    The caption field shows the last explained caption. If it is unchanged, a new picture gets the model's own caption,
    and the same picture keeps the caption only if it was given by the user before.

    Args:
      form: the fields.
      methods: the available methods.
      chosen: the methods to use if none is selected.
      is_new: whether a picture was uploaded with the form.

    Raises:
      ValueError: an unknown method, or a text that is too long.
    """
    for name in ("caption", "words", "against"):
        if len(form.get(name, "")) > LONGEST:
            raise ValueError(f"{name}: got {len(form[name])} characters, wanted at most {LONGEST}")
    caption, said = form.get("caption", "").strip(), form.get("said", "")
    if not caption or (caption == said and (is_new or not form.get("forced"))):
        caption = None
    picked = tuple(dict.fromkeys(form.getlist("method"))) or tuple(chosen)
    unknown = [name for name in picked if name not in methods]
    if unknown:
        raise ValueError(f"got method {unknown[0]!r}: wanted any of {', '.join(methods)}")
    return Asked(caption, form.get("words", "").strip(), form.get("against", "").strip(), picked)
