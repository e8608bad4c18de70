"""lrp-jax inspect SOURCE

Exit code: 0 done; 1 the source cannot be read; 2 the command line is wrong; 130 interrupted.
"""

import argparse
import dataclasses
import json
import pathlib
import sys
from collections.abc import Mapping, Sequence

from lrp_jax.captions import scenes
from lrp_jax.captions.data.inspect import contact_sheet, describe, report
from lrp_jax.captions.data.inspect.counts import sample_of
from lrp_jax.captions.data.inspect.sheet import COLUMNS, ROWS
from lrp_jax.captions.data.sources import source
from lrp_jax.captions.storage.files import atomic_path
from lrp_jax.captions.words.objects import FREQUENT_COCO2017, FREQUENT_FLICKR30K, coco_words, read_synonyms


def main(program: str, arguments: Sequence[str]) -> int:
    """Describes a source and draws some of its images; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Describes a source of captioned images: splits, captions, vocabulary, objects.",
    )
    parser.add_argument("source", help="as config.source, for example scenes:strong,train=500 or json:captions.json")
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path("out/inspect"),
        help="folder for contact_sheet.png (%(default)s)",
    )
    parser.add_argument("--split", default="train", help="split to count objects and choose images from (%(default)s)")
    parser.add_argument(
        "--min_count",
        type=_positive,
        default=3,
        help="minimum number of occurrences in training for a word of the vocabulary (%(default)s)",
    )
    parser.add_argument(
        "--words",
        type=pathlib.Path,
        help="file of object words: on each line a category and its nouns, separated by commas (default: COCO's)",
    )
    parser.add_argument("--seed", type=_from_zero, default=0, help="seed for choosing the images (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    chosen = parser.parse_args(arguments)
    try:
        _inspect(chosen)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text}, wanted a number of at least 1")
    return int(text)


def _from_zero(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"got {text}, wanted a whole number, at least 0")
    return int(text)


def _inspect(chosen: argparse.Namespace) -> None:
    splits = source(chosen.source)
    drawn = chosen.source.startswith("scenes:")
    categories = _categories(chosen, drawn)
    found = describe(
        splits,
        categories,
        split=chosen.split,
        min_count=chosen.min_count,
        chosen=() if drawn else tuple(dict.fromkeys((*FREQUENT_COCO2017, *FREQUENT_FLICKR30K))),
        seed=chosen.seed,
    )
    examples = splits[chosen.split]
    places = sample_of(len(examples), COLUMNS * ROWS, chosen.seed)
    title = f"{chosen.source}   {chosen.split}: {len(places)} of {len(examples)} images"
    sheet = contact_sheet((examples[int(index)] for index in places), categories, title)
    chosen.out.mkdir(parents=True, exist_ok=True)
    path = chosen.out / "contact_sheet.png"
    with atomic_path(path) as temporary:
        sheet.save(temporary, format="PNG")
    if chosen.json:
        print(json.dumps({"source": chosen.source, **dataclasses.asdict(found), "contact_sheet": str(path)}, indent=1))
    else:
        print(f"{chosen.source}\n\n{report(found)}\n\ncontact sheet: {path}")


def _categories(chosen: argparse.Namespace, drawn: bool) -> Mapping[str, str | None]:
    if chosen.words:
        return read_synonyms(chosen.words)
    return scenes.SYNONYMS if drawn else coco_words()
