"""The index over the pages of many images: small pictures, searched and sorted by what their captions name."""

import bisect
import collections
import dataclasses
from collections.abc import Iterable, Sequence

from lrp_jax.captions.render.case import ObjectWord
from lrp_jax.captions.render.templating import render_template

AT_ONCE = 120
"""Entries that a browser lays out when it opens the page, as in templates/index.js."""


@dataclasses.dataclass(frozen=True)
class RatedObject(ObjectWord):
    """An object that a caption names, with its `suspicion`; None where there is none."""

    suspicion: float | None = None


@dataclasses.dataclass(frozen=True)
class Entry:
    """One image in the index.

    Attributes:
        name: what the reader knows the image by.
        caption: its caption.
        link: address of its page, relative to the index and already percent-encoded.
        thumbnail: address of its small picture, likewise.
        width, height: size of the small picture in pixels.
        word: the word whose map the small picture shows.
        objects: the objects that the caption names.
    """

    name: str
    caption: str
    link: str
    thumbnail: str
    width: int
    height: int
    word: str = ""
    objects: Sequence[RatedObject] = ()


def index(entries: Iterable[Entry], title: str = "Explained captions") -> str:
    """A page of small pictures that leads to the pages of many images; they load as they come into view.

    It can be searched by word, and filtered and sorted by the objects that captions name and by how suspicious these
    are. Suspicion is shown as a rank among all objects of these entries. Without a script the page shows all entries;
    with one it lays them out some at a time.

    Args:
        entries: the images, in the order in which they are shown.
        title: of the page.

    Returns:
        The document; write it as UTF-8. It grows by about a kilobyte with each entry.
    """
    entries = list(entries)
    known = [found.suspicion for entry in entries for found in entry.objects if found.suspicion is not None]
    rank = _ranks(known)
    cards = [
        {
            "entry": entry,
            "objects": [{"of": found, "rank": rank.get(found.suspicion)} for found in entry.objects],
        }
        for entry in entries
    ]
    return render_template(
        "index.html.j2",
        scripts=("index.js",),
        title=title,
        summary=f"{len(entries)} image{'' if len(entries) == 1 else 's'}",
        cards=cards,
        at_once=AT_ONCE,
        categories=_counted(entry.objects for entry in entries),
        ranked=len(known) if rank else 0,
    )


def _ranks(known: Iterable[float]) -> dict[float, float]:
    """Value -> the share of the other values below it in percent, of equal values half; nothing for fewer than two."""
    known = sorted(known)
    if len(known) < 2:
        return {}
    middle = {v: (bisect.bisect_left(known, v) + bisect.bisect_right(known, v) - 1) / 2 for v in set(known)}
    return {value: round(100 * place / (len(known) - 1), 2) for value, place in middle.items()}


def _counted(named: Iterable[Sequence[ObjectWord]]) -> list[tuple[str, int, list[tuple[str, int]]]]:
    """Category, in how many captions, and the same of its words where it has others than its own name."""
    categories: collections.Counter[str] = collections.Counter()
    words: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for objects in named:
        categories.update({found.category for found in objects})
        for category, word in {(found.category, found.word) for found in objects}:
            words[category][word] += 1
    return [
        (category, count, sorted(words[category].items()) if list(words[category]) != [category] else [])
        for category, count in sorted(categories.items())
    ]
