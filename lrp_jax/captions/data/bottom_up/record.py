"""The record format of an image's regions: little-endian numbers at fixed offsets."""

from collections.abc import Sequence

import numpy as np

from lrp_jax.captions.data.bottom_up.regions import Regions
from lrp_jax.captions.storage.shards import to_float32

DTYPES = {"float16": "<f2", "float32": "<f4"}


def layout(n_v: int, d: int, dtype: str) -> np.dtype:
    """The dtype of the record of one image with n_v regions of d channels.

    height, width: in pixels, 0 if unknown. scores: NaN if unknown. classes: -1 if unknown.
    """
    return np.dtype(
        [
            ("height", "<u4"),
            ("width", "<u4"),
            ("boxes", "<f4", (n_v, 4)),
            ("scores", "<f4", (n_v,)),
            ("classes", "<i4", (n_v,)),
            ("features", DTYPES[dtype], (n_v, d)),
        ]
    )


def fit(regions: Regions, n_v: int) -> Regions:
    """The image with exactly n_v regions.

    The captioners attend to all regions without a mask, and were published with 36 regions for every image. If there
    are more, those with the highest scores are kept, or the first ones if there are no scores. If there are fewer, each
    missing region is filled with the box of the whole image and the mean of the features. This leaves the mean feature,
    the captioners' global feature, unchanged, counts no region twice, and shows the relevance of these regions on the
    image as a whole.
    """
    count = len(regions)
    if count == n_v:
        return regions
    if count > n_v:
        kept = np.arange(n_v)
        if regions.scores is not None:
            kept = np.sort(np.argsort(-regions.scores, kind="stable")[:n_v])
        return Regions(
            id=regions.id,
            features=regions.features[kept],
            boxes=regions.boxes[kept],
            size=regions.size,
            names=None if regions.names is None else tuple(regions.names[i] for i in kept),
            scores=None if regions.scores is None else regions.scores[kept],
        )
    missing = n_v - count
    mean = regions.features.mean(0, dtype=np.float64)
    return Regions(
        id=regions.id,
        features=np.concatenate([regions.features, np.tile(mean, (missing, 1))]),
        boxes=np.concatenate([regions.boxes, np.tile([0.0, 0.0, 1.0, 1.0], (missing, 1))]),
        size=regions.size,
        names=None if regions.names is None else (*regions.names, *[-1] * missing),
        scores=None if regions.scores is None else np.concatenate([regions.scores, np.zeros(missing)]),
    )


def pack(regions: Regions, record: np.dtype) -> bytes:
    """The record of an image.

    Raises:
        ValueError: the features have another shape, or are too large for float16.
    """
    features = record["features"]
    if regions.features.shape != features.shape:
        raise ValueError(
            f"image {regions.id!r}: got features of shape {regions.features.shape}, wanted {features.shape} "
            "as for the first image"
        )
    if features.base == np.float16 and np.abs(regions.features).max() > np.finfo(np.float16).max:
        raise ValueError(f"image {regions.id!r}: got a feature too large for float16, wanted dtype float32")
    filled = np.zeros((), record)
    filled["height"], filled["width"] = regions.size or (0, 0)
    filled["boxes"], filled["features"] = regions.boxes, regions.features
    filled["scores"] = np.nan if regions.scores is None else regions.scores
    filled["classes"] = -1 if regions.names is None else regions.names
    return filled.tobytes()


def unpack(filled: np.void, id: str, names: Sequence[str] | None = None) -> Regions:
    """The image of a record.

    Args:
        filled: the record.
        id: its image.
        names: the names of the detector's classes, by class number; a region without a class gets "".
    """
    height, width = int(filled["height"]), int(filled["width"])
    classes, scores = filled["classes"].tolist(), filled["scores"]
    if max(classes) < 0:
        classes = None
    elif names is not None:
        classes = ["" if number < 0 else names[number] for number in classes]
    features = np.empty(filled["features"].shape, np.float32)
    to_float32(filled["features"], features)
    return Regions(
        id=id,
        features=features,
        boxes=filled["boxes"].copy(),
        size=(height, width) if height else None,
        names=None if classes is None else tuple(classes),
        scores=None if np.isnan(scores).any() else scores.copy(),
    )
