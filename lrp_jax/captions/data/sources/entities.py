"""The boxes of Flickr30k Entities, with categories from the phrases of the captions that refer to them."""

import collections
import pathlib
import re
from collections.abc import Sequence
from xml.etree import ElementTree

from lrp_jax.captions.data.sources.boxes import Annotated
from lrp_jax.captions.data.sources.reading import lines
from lrp_jax.captions.data.sources.splits import Skips

ENTITIES = "https://github.com/BryanPlummer/flickr30k_entities"

# [/EN#283585/people Two young guys]: the id of the chain of phrases that refer to one thing, and its types.
_PHRASE = re.compile(r"\[/EN#(\d+)/(\S+)\s")


def read_entities(folder: pathlib.Path, stems: Sequence[str], skips: Skips) -> dict[str, Annotated]:
    """The boxes of images, by the stems of their files.

    The category of a box is the type of its chain of phrases, one of people, clothing, bodyparts, animals, vehicles,
    instruments, scene and other: the type that the captions give to the chain most often; in a tie the first. A box of
    several chains is returned once with each of their types. Chains without a box, such as scenes, are omitted.

    Args:
      folder: with `Annotations/STEM.xml` and `Sentences/STEM.txt`.
      stems: of the images.
      skips: counts images without these files, and boxes without a phrase.

    Raises:
      FileNotFoundError: the folders are missing.
    """
    for part in ("Annotations", "Sentences"):
        if not (folder / part).is_dir():
            raise FileNotFoundError(f"no folder {folder / part}: download it from {ENTITIES} (annotations.zip)")
    boxes = {}
    for stem in dict.fromkeys(stems):
        try:
            types = _types(folder / "Sentences" / f"{stem}.txt")
            boxes[stem] = _boxes(folder / "Annotations" / f"{stem}.xml", types, skips)
        except FileNotFoundError as error:
            skips.add("image without entities", f"{stem}: {error}")
        except (ValueError, LookupError, ElementTree.ParseError, OSError) as error:  # LookupError: unknown encoding
            skips.add("entities that are damaged", f"{stem}: {error}")
    return boxes


def _types(path: pathlib.Path) -> dict[str, str]:
    """The type of each chain."""
    counts: dict[str, collections.Counter[str]] = {}
    for _, line in lines(path, ENTITIES):
        for chain, types in _PHRASE.findall(line):
            counts.setdefault(chain, collections.Counter())[types.split("/")[0]] += 1
    return {chain: count.most_common(1)[0][0] for chain, count in counts.items()}


def _boxes(path: pathlib.Path, types: dict[str, str], skips: Skips) -> Annotated:
    # Downloaded files need no document type; its entities would allow a small file to exhaust the memory.
    parser = ElementTree.XMLParser(target=_PlainTree())
    root = ElementTree.parse(path, parser).getroot()
    width, height = (_number(root.find("size"), side) for side in ("width", "height"))
    if width <= 0 or height <= 0:
        raise ValueError(f"{path.name} has no image size")
    boxes = []
    for thing in root.iter("object"):
        corners = thing.find("bndbox")
        if corners is None:
            continue
        x0, y0, x1, y1 = (_number(corners, name) for name in ("xmin", "ymin", "xmax", "ymax"))
        # Pixels are counted from 1, and the last one is inside the box.
        box = (x0 - 1) / width, (y0 - 1) / height, x1 / width, y1 / height
        chains = [(name.text or "").strip() for name in thing.iter("name")]
        categories = dict.fromkeys(types[chain] for chain in chains if chain in types)
        if not categories:
            skips.add("box without a phrase", f"{path.name}, chain {' '.join(chains)}")
        boxes += [(category, box) for category in categories]
    return Annotated(boxes, (height, width))


def _number(element: ElementTree.Element | None, name: str) -> float:
    text = None if element is None else element.findtext(name)
    if text is None:
        raise ValueError(f"no {name}")
    return float(text)


class _PlainTree(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError(f"a document type {name!r} is refused")
