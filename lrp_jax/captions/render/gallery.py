"""The index page of a batch: thumbnails that can be searched and sorted by the objects that captions name."""

import bisect
import collections
import dataclasses
from collections.abc import Iterable, Sequence

from lrp_jax.captions.render.case import ObjectWord
from lrp_jax.captions.render.templating import render_template

AT_ONCE = 120
"""Number of entries that the browser lays out at first; the same as in templates/index.js."""


@dataclasses.dataclass(frozen=True)
class RatedObject(ObjectWord):
    """An object that a caption names, with its `suspicion`; None if it is not defined."""

    suspicion: float | None = None


@dataclasses.dataclass(frozen=True)
class Entry:
    """One image in the index.

    Attributes:
        name: of the image, for display.
        caption: its caption.
        link: address of its page, relative to the index and percent-encoded.
        thumbnail: address of its thumbnail, likewise.
        width, height: size of the thumbnail in pixels.
        word: the word whose map the thumbnail shows.
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
    """An index page with thumbnails that link to the pages of many images; thumbnails are loaded lazily.

    It can be searched by word, and filtered and sorted by the objects that captions name and by their suspicion.
    Suspicion is shown as a rank among all objects of these entries. Without JavaScript the page shows all entries;
    with JavaScript it lays them out in portions.

    Args:
        entries: the images, in the order of the page.
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
    """Value -> percentage of the other values below it, ties counted half; empty for fewer than two values."""
    known = sorted(known)
    if len(known) < 2:
        return {}
    middle = {v: (bisect.bisect_left(known, v) + bisect.bisect_right(known, v) - 1) / 2 for v in set(known)}
    return {value: round(100 * place / (len(known) - 1), 2) for value, place in middle.items()}


def _counted(named: Iterable[Sequence[ObjectWord]]) -> list[tuple[str, int, list[tuple[str, int]]]]:
    """For each category: its name, the number of captions, and the same for its words if they differ from the name."""
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
