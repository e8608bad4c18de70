"""How the reference reads our docstrings: what in them means something else to the parser, or to Markdown."""

import re

import griffe


class Docstrings(griffe.Extension):
    """Passes every docstring through `as_sections` before it is parsed."""

    def on_object(self, *, obj, loader, **kwargs):
        if obj.docstring:
            obj.docstring.value = as_sections(obj.docstring.value, fields=obj.is_class)


def as_sections(docstring: str, fields: bool = False) -> str:
    """The docstring with sections that the parser knows, and without what would be HTML.

    An example is one of several. In a class a paragraph of lines "name: text" is its attributes. "Reference: text" on
    one line is a section too. `<unk>` outside code is text.
    """
    text = re.sub(r"^( *)Example:$", r"\1Examples:", docstring, flags=re.MULTILINE)
    text = text.replace("Class attributes:", "Attributes:")
    text = "\n\n".join(_section(paragraph, fields) for paragraph in text.split("\n\n"))
    pieces = re.split(r"(`[^`\n]*`|^ *>>>.*$)", text, flags=re.MULTILINE)
    return "".join(p if re.match(r"`| *>>>", p) else re.sub(r"<(?=[A-Za-z/])", "&lt;", p) for p in pieces)


def _section(paragraph: str, fields: bool) -> str:
    if paragraph.startswith("Reference: "):
        return "Reference:\n" + _indented(paragraph.removeprefix("Reference: "))
    if fields and re.match(r"[a-z_0-9]+(, [a-z_0-9]+)*: \S", paragraph):
        return "Attributes:\n" + _indented(paragraph)
    return paragraph


def _indented(text: str) -> str:
    return re.sub(r"^(?=.)", "  ", text, flags=re.MULTILINE)
