"""lrp-jax convert SOURCE FOLDER

Exit code: 0 all images are stored; 3 the store is complete but some images were left out; 1 the conversion failed;
2 the command line is wrong; 130 interrupted.
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence

from lrp_jax.captions.data.bottom_up import convert, read_bottom_up, read_sizes
from lrp_jax.captions.data.bottom_up.record import DTYPES


def main(program: str, arguments: Sequence[str]) -> int:
    """Converts a source of bottom-up features; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Converts bottom-up features to a store of array_record files.",
    )
    parser.add_argument("source", help="a tsv file, or a folder of tsv or npz files")
    parser.add_argument("folder", help="folder of the store; an interrupted conversion continues in it")
    parser.add_argument("--dtype", choices=list(DTYPES), default="float16", help="of the features (%(default)s)")
    parser.add_argument("--regions", type=_positive, default=36, help="number of regions per image (%(default)s)")
    parser.add_argument("--sizes", help="JSON file with the image sizes, for npz files without them")
    parser.add_argument("--names", help="text file: line i has the name of detector class i; synonyms after commas")
    chosen = parser.parse_args(arguments)
    try:
        names = chosen.names and _names(pathlib.Path(chosen.names))
        source = read_bottom_up(chosen.source, sizes=chosen.sizes and read_sizes(chosen.sizes))
        index = convert(source, chosen.folder, chosen.dtype, chosen.regions, names=names)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; run the same command again to continue after the finished files", file=sys.stderr)
        return 130
    print(
        f"{chosen.folder}: {len(index)} images of {index.n_v} x {index.d} {index.dtype} from {source.format}, "
        f"{sum(shard.bytes for shard in index.shards) / 1e9:.3g} GB; left out {index.damaged} damaged and "
        f"{index.repeated} repeated; {index.cut} had more regions and {index.padded} fewer"
    )
    return 3 if index.damaged or index.repeated else 0


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text}, wanted a whole number of at least 1")
    return int(text)


def _names(path: pathlib.Path) -> list[str]:
    # Lines of Visual Genome's vocabulary are synonyms: "couch,sofa".
    return [line.split(",")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
