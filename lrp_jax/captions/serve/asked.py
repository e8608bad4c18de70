"""What somebody asks in the browser, from the fields of the form."""

import dataclasses
from collections.abc import Collection, Sequence

from werkzeug.datastructures import MultiDict

LONGEST = 1000
"""Characters of a text field. Each word of a caption is a backward pass: an essay would
keep the model for minutes, and whoever else waits for it."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """The fields of the form.

    Attributes:
      caption: what is explained instead of the model's own caption; None: its own.
      words: only these words of it, as they were typed; "" for all.
      against: the word that each is explained against; "" for none.
      method: names of the methods.
    """

    caption: str | None = None
    words: str = ""
    against: str = ""
    method: tuple[str, ...] = ()


def read_form(form: MultiDict[str, str], methods: Collection[str], chosen: Sequence[str], is_new: bool) -> Asked:
    """Reads the fields; what is missing is as if it were empty.

    The field of the caption shows what was explained last. Left as it is, it forces nothing on a new picture, and on
    the same one only what was forced before.

    Args:
      form: the fields.
      methods: those that there are.
      chosen: those that are taken if none is ticked.
      is_new: whether a picture comes with the form.

    Raises:
      ValueError: there is no such method, or a text is too long.
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
        raise ValueError(f"got method {unknown[0]!r}: wanted some of {', '.join(methods)}")
    return Asked(caption, form.get("words", "").strip(), form.get("against", "").strip(), picked)
