"""Many images, one after another: what goes wrong with one costs no other."""

import dataclasses
import hashlib
import os
import pathlib
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from lrp_jax.render import writers
from lrp_jax.render.case import Case
from lrp_jax.render.comparison import Comparison
from lrp_jax.render.naming import folders


@dataclasses.dataclass(frozen=True)
class Picture:
    """An image of a batch.

    Attributes:
        name: what the reader knows it by; the batch's names are all different.
        read: reads the pixels that are explained, uint8 [H, W, 3].
        show: reads the picture that people look at, where there is a better one than a resized `read()`.
    """

    name: str
    read: Callable[[], UInt8[np.ndarray, "H W 3"]]
    show: Callable[[], UInt8[np.ndarray, "H W 3"]] | None = None


@dataclasses.dataclass
class Outcome:
    """What became of a batch.

    Attributes:
        explained: how many images were explained and written.
        skipped: how many had been finished by an earlier run.
        empty: how many had nothing of what was asked for.
        failed: name -> what went wrong, in one line.
        seconds: how long it took.
    """

    explained: int = 0
    skipped: int = 0
    empty: int = 0
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0

    def __str__(self) -> str:
        parts = [f"{self.explained} explained in {self.seconds:.0f} s"]
        if self.skipped:
            parts.append(f"{self.skipped} were finished before")
        if self.empty:
            parts.append(f"{self.empty} without the words asked for")
        if self.failed:
            names = ", ".join(list(self.failed)[:5]) + (", ..." if len(self.failed) > 5 else "")
            parts.append(f"{len(self.failed)} failed ({names})")
        return ", ".join(parts)


def explain_batch(
    pictures: Sequence[Picture],
    to_case: Callable[[Picture, UInt8[np.ndarray, "H W 3"]], Case | Comparison | None],
    out: str | os.PathLike,
    *,
    formats: Sequence[str] = writers.FORMATS,
    facts: Mapping[str, str] | None = None,
    provenance: Mapping[str, Any] | None = None,
    key: bytes = b"",
    resume: bool = False,
) -> Outcome:
    """Explains and writes each image of a batch into its own folder, and an index of all.

    Progress goes to stdout and failures to stderr, one line each. The index is written also when the batch is
    interrupted, so that what is finished can be looked at.

    Args:
        pictures: the images.
        to_case: from an image and its pixels to what is drawn; None if it has nothing that was asked for.
        out: folder of the results; made if missing.
        formats, facts, provenance: as for `write`.
        key: stands for everything but the pixels that the results depend on.
        resume: leave alone what an earlier run with the same key has finished for the same pixels.

    Returns:
        The counts. An image that raises any exception is counted as failed.

    Raises:
        OSError: if `out` or the index cannot be written.
    """
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    outcome, start = Outcome(), time.monotonic()
    places = folders([picture.name for picture in pictures])
    try:
        for number, (picture, place) in enumerate(zip(pictures, places, strict=True), 1):
            progress = f"[{number}/{len(pictures)}] {picture.name}"
            try:
                pixels = _read(picture)
                fingerprint = _fingerprint(key, pixels)
                if resume and writers.finished(out / place, fingerprint):
                    outcome.skipped += 1
                    continue
                case = to_case(picture, pixels)
                if case is None:
                    outcome.empty += 1
                    continue
                writers.write(out / place, case, formats, facts=facts, provenance=provenance, fingerprint=fingerprint)
                outcome.explained += 1
                print(f"{progress}: {' '.join(case.words[1:])}", flush=True)
            except Exception as error:
                outcome.failed[picture.name] = one_line(error)
                print(f"{progress}: FAILED: {one_line(error)}", file=sys.stderr, flush=True)
    finally:
        outcome.seconds = time.monotonic() - start
        if "html" in formats:
            writers.write_index(out)
    return outcome


def one_line(error: BaseException, longest: int = 300) -> str:
    """An exception as one line for people; its type is named where the message alone may not say enough."""
    text = " ".join(str(error).split())
    if not isinstance(error, ValueError | OSError) or not text:
        text = f"{type(error).__name__}: {text}".removesuffix(": ")
    return text if len(text) <= longest else text[: longest - 1] + "…"


def presentable(pixels: UInt8[np.ndarray, "H W 3"], least: int = 384, most: int = 640) -> np.ndarray:
    """The picture at a size to look at: the longest side between `least` and `most` pixels."""
    longest = max(pixels.shape[:2])
    factor = min(max(longest, least), most) / longest
    if factor == 1:
        return pixels
    size = tuple(max(1, round(side * factor)) for side in (pixels.shape[1], pixels.shape[0]))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def _read(picture: Picture) -> np.ndarray:
    with warnings.catch_warnings():
        # A small file that would fill the memory when it is unpacked is an error here, and not a warning.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return picture.read()


def _fingerprint(key: bytes, pixels: np.ndarray) -> str:
    return hashlib.sha256(b"%s %r" % (key, pixels.shape) + np.ascontiguousarray(pixels).tobytes()).hexdigest()
