"""Regions from a folder with one npz file per image.

Two projects write such files: the Detectron2 extractor of MILVLAB (x, bbox in pixels, num_bbox, image_h, image_w, and
`info`, a pickled object that is never read), and self-critical.pytorch (`feat` in PREFIX_att/ID.npz, boxes in
pixels in PREFIX_box/ID.npy, without the size of the image). UNITER's files are similar (features, conf,
and norm_bb, whose first four columns are shares of the image).
"""

import functools
import pathlib
from collections.abc import Iterator, Mapping

import numpy as np

from lrp_jax.captions.data.bottom_up.entry import Entry
from lrp_jax.captions.data.bottom_up.ids import Ids
from lrp_jax.captions.data.bottom_up.regions import Regions, shares

FEATURES = ("x", "features", "feat")
BOXES = ("bbox", "boxes")
SCORES = ("objects_conf", "conf", "scores")
Sizes = Mapping[str, tuple[int, int]]


def npz_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """The npz files of a folder in the order of their names."""
    return sorted(path for path in folder.iterdir() if path.suffix == ".npz" and not path.name.startswith("."))


def npz_entries(files: list[pathlib.Path], sizes: Sizes) -> Iterator[Entry]:
    """The files one by one; a file is read by `Entry.load`.

    Args:
        files: the npz files.
        sizes: (height, width) of images whose files do not contain it.
    """
    known = Ids(sizes)
    for path in files:
        yield Entry(path.name, functools.partial(_regions, path, sizes, known))


def _regions(path: pathlib.Path, sizes: Sizes, known: Ids) -> Regions:
    id = path.stem
    arrays = _read(path)
    features = _first(arrays, FEATURES)
    if features is None:
        raise ValueError(f"image {id!r}: got arrays {sorted(arrays)}, wanted features as one of {', '.join(FEATURES)}")
    size = _size(id, arrays)
    found = known.find(id)
    if size is None and found is not None:
        size = sizes[found]
    classes, scores = arrays.get("objects_id"), _first(arrays, SCORES)
    regions = Regions(
        id=id,
        features=features,
        boxes=_boxes(id, path, arrays, size),
        size=size,
        names=None if classes is None else tuple(np.asarray(classes).tolist()),
        scores=scores,
    )
    if "num_bbox" in arrays and arrays["num_bbox"].item() != len(regions):
        raise ValueError(f"image {id!r}: got {len(regions)} regions, wanted num_bbox = {arrays['num_bbox'].item():g}")
    return regions


def _boxes(id: str, path: pathlib.Path, arrays: Mapping[str, np.ndarray], size: tuple[int, int] | None) -> np.ndarray:
    boxes = arrays.get("norm_bb")
    if boxes is not None:
        return shares(boxes[:, :4] if boxes.ndim == 2 else boxes, (1, 1), id)
    boxes = _first(arrays, BOXES)
    if boxes is None:
        boxes = _beside(path)
    if boxes is None:
        raise ValueError(f"image {id!r}: got no boxes, wanted {', '.join((*BOXES, 'norm_bb'))} or {_places(path)[0]}")
    # Boxes of a detector never all lie in the first pixel, so these are shares.
    if boxes.size and boxes.max() <= 1:
        return shares(boxes, (1, 1), id)
    if size is None:
        raise ValueError(f"image {id!r}: got boxes in pixels and no image_h and image_w, wanted its size; give `sizes`")
    return shares(boxes, size, id)


def _places(path: pathlib.Path) -> list[pathlib.Path]:
    """The possible paths of the boxes of an npz file without boxes: PREFIX_box beside PREFIX_att, or its folder."""
    prefix = path.parent.name.removesuffix("_att")
    return [path.parent.with_name(f"{prefix}_box") / f"{path.stem}.npy", path.with_suffix(".npy")]


def _beside(path: pathlib.Path) -> np.ndarray | None:
    for place in _places(path):
        if place.is_file():
            try:
                return np.load(place, allow_pickle=False)
            except (EOFError, MemoryError, OverflowError, ValueError) as error:
                raise ValueError(f"image {path.stem!r}: got {place} that is not an array ({error})") from None
    return None


def _size(id: str, arrays: Mapping[str, np.ndarray]) -> tuple[int, int] | None:
    if "image_h" not in arrays or "image_w" not in arrays:
        return None
    height, width = arrays["image_h"].item(), arrays["image_w"].item()
    if not 1 <= height < 2**31 or not 1 <= width < 2**31:
        raise ValueError(f"image {id!r}: got a size of {height} x {width}, wanted height and width in pixels")
    return int(height), int(width)


def _first(arrays: Mapping[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray | None:
    return next((arrays[name] for name in names if name in arrays), None)


def _read(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The plain arrays of a file. Pickled objects are skipped, because unpickling can execute code."""
    wanted = {*FEATURES, *BOXES, *SCORES, "norm_bb", "num_bbox", "image_h", "image_w", "objects_id"}
    arrays = {}
    try:
        with np.load(path, allow_pickle=False) as file:
            for name in wanted & set(file.files):
                arrays[name] = file[name]
                if arrays[name].dtype.kind not in "fiu":
                    raise ValueError(f"{name} is of type {arrays[name].dtype}, wanted numbers")
    except Exception as error:  # a damaged zip file can raise almost any exception
        raise ValueError(f"image {path.stem!r}: got no readable npz file ({error or type(error).__name__})") from None
    return arrays
