"""Flickr30k and Flickr8k, in the usual formats of their captions."""

import hashlib
import os
import pathlib
import re
from collections.abc import Iterator

from lrp_jax.captions.data.sources.boxes import Annotated
from lrp_jax.captions.data.sources.choice import kept_choice, split_of
from lrp_jax.captions.data.sources.entities import read_entities
from lrp_jax.captions.data.sources.gather import Entry, gather
from lrp_jax.captions.data.sources.images import ImageFolder, find_images
from lrp_jax.captions.data.sources.reading import lines, path_of, read_bytes, table
from lrp_jax.captions.data.sources.splits import TEST, TRAIN, VALIDATION, Skips, Splits

FLICKR30K = "https://shannon.cs.illinois.edu/DenotationGraph/"

CAPTIONS = ("results_20130124.token", "results.token", "results.csv", "captions.txt", "Flickr8k.token.txt")
"""Names of caption files, the original one first. captions.csv is accepted too, but is also used by `folder_source`."""

IMAGES = (
    "flickr30k-images",
    "flickr30k_images",
    "flickr30k_images/flickr30k_images",
    "images",
    "Images",
    "Flicker8k_Dataset",
    "Flickr8k_Dataset",
)
"""Names of image folders."""

# The test set first: an image in several lists stays in the first one, so that none of the test set is trained on.
_LISTS = {
    TEST: ("test.txt", "Flickr_8k.testImages.txt"),
    VALIDATION: ("val.txt", "Flickr_8k.devImages.txt"),
    TRAIN: ("train.txt", "Flickr_8k.trainImages.txt"),
}

# The sizes of Karpathy's split of Flickr30k; how he chose the images is not published.
_SIZES = {VALIDATION: 1014, TEST: 1000}

_TOKEN = re.compile(r"(.+)#\d+\s*\t(.*)", re.DOTALL)


def flickr30k_source(
    path: str | os.PathLike,
    *,
    images: str = "",
    entities: str = "",
    seed: int = 0,
    split_file: str = "",
    missing: str = "error",
) -> Splits:
    """Flickr30k's captions.

    The splits are those of train.txt, val.txt and test.txt (ids or file names) in the folder or beside the entities.
    Without them 1014 images are chosen for validation and 1000 for the test, of a small set a tenth each; the choice
    is saved in a file in the folder, and read from there the next time.

    Args:
      path: of the folder with one of `CAPTIONS`, or with captions.csv; or of a file of captions in it.
      images: the folder of the images; "" for one of `IMAGES` in the folder; "none" if no images are needed.
      entities: the folder of Flickr30k Entities; "" for the folder itself, if they are in it.
      seed: of the choice.
      split_file: the file of the choice; "" for a file in the folder.
      missing: see `gather`.

    Raises:
      FileNotFoundError: captions or images are missing.
      ValueError: a file is damaged.
    """
    name, skips = f"flickr30k:{path}", Skips()
    path = captions_file(pathlib.Path(path))
    folder = path.parent
    texts: dict[str, list[str]] = {}
    for file, caption in _read_captions(path, skips):
        texts.setdefault(file, []).append(caption)
    if not texts:
        raise ValueError(f"{path}: got no captions; {'; '.join(skips.lines())}")
    stems = {file: pathlib.PurePosixPath(file).stem for file in texts}
    boxes_folder = path_of(entities) if entities else folder
    splits = _listed_splits([folder, boxes_folder], skips)
    if splits:
        for stem in sorted(splits.keys() - set(stems.values())):
            skips.add("image of a split without captions", stem)
    else:
        counts = {split: min(size, max(1, len(texts) // 10)) for split, size in _SIZES.items()}
        kept_in = path_of(split_file) if split_file else folder / f"split_seed{seed}.json"
        sha256 = hashlib.sha256(read_bytes(path, FLICKR30K)).hexdigest()
        ids = set(stems.values())
        splits = split_of(ids, kept_choice(kept_in, ids, counts, seed, of=path.name, sha256=sha256))
    boxes = {}
    if entities or (folder / "Annotations").is_dir():
        boxes = read_entities(boxes_folder, list(stems.values()), skips)
    entries = [
        Entry(stems[file], file, captions, splits.get(stems[file], ""), boxes.get(stems[file], Annotated()))
        for file, captions in texts.items()
    ]
    places = [ImageFolder(folder / place) for place in (*IMAGES, "")]
    found = find_images(places, list(texts), option=images, download=FLICKR30K)
    return gather(name, entries, found, skips, download=FLICKR30K, missing=missing)


def captions_file(path: pathlib.Path) -> pathlib.Path:
    """The caption file: the path itself, or a file in it; the original name if there is none."""
    if path.is_file():
        return path
    there = [path / name for name in (*CAPTIONS, "captions.csv") if (path / name).is_file()]
    return there[0] if there else path / CAPTIONS[0]


def _read_captions(path: pathlib.Path, skips: Skips) -> Iterator[tuple[str, str]]:
    """The image file and the text of each caption."""
    rows = lines(path, FLICKR30K)
    _, first = next(rows, (0, ""))
    if not _TOKEN.fullmatch(first):
        columns = {"file": ("image_name", "image", "file", "filename"), "caption": ("comment", "caption")}
        yield from ((row["file"], row["caption"]) for row in table(path, columns, skips, FLICKR30K))
        return
    for number, line in lines(path, FLICKR30K):
        match = _TOKEN.fullmatch(line)
        if match:
            yield match[1].strip(), match[2]
        else:
            skips.add("line that is not a caption", f"{path.name}:{number}")


def _listed_splits(folders: list[pathlib.Path], skips: Skips) -> dict[str, str]:
    """The split of each image, by the stem of its file, from the list files; empty if there are none."""
    splits: dict[str, str] = {}
    for split, names in _LISTS.items():
        path = next((folder / name for folder in folders for name in names if (folder / name).is_file()), None)
        if path is None:
            continue
        for _, line in lines(path, FLICKR30K):
            stem = pathlib.PurePosixPath(line.strip()).stem
            if splits.setdefault(stem, split) != split:
                skips.add("image in two splits", f"{stem}, also in {path.name}")
    return splits
