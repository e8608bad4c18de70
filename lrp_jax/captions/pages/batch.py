"""Explains many images: one thread reads ahead, another writes results; an error affects only its own image."""

import collections
import contextlib
import dataclasses
import errno
import functools
import hashlib
import itertools
import os
import pathlib
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from lrp_jax.captions.pages import writers
from lrp_jax.captions.pages.naming import folders, printable
from lrp_jax.captions.render import Case, Comparison
from lrp_jax.captions.storage.locks import locked

EXPLAINED, SKIPPED, EMPTY, FAILED = "explained", "skipped", "empty", "failed"
"""The outcomes of an image: values of `Done.status`."""
LEFT = "left"  # explained, but not written, because nothing more could be written

# After these errors nothing more can be written: the batch stops, instead of failing once for each remaining image.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclasses.dataclass(frozen=True)
class Picture:
    """An image of a batch.

    Attributes:
        name: shown to the user; unique within the batch.
        read: reads the pixels that are explained, uint8 [H, W, 3].
        show: reads the picture that people look at, where there is a better one than a resized `read()`.
        file: where it lies, if it is a file.
        content: the bytes of its file, where they came without one.
    """

    name: str
    read: Callable[[], UInt8[np.ndarray, "H W 3"]]
    show: Callable[[], UInt8[np.ndarray, "H W 3"]] | None = None
    file: pathlib.Path | None = None
    content: bytes | None = None


@dataclasses.dataclass(frozen=True)
class Done:
    """The outcome of one image, for progress reports.

    Attributes:
        number, of: the index of the image, from 1, and the number of images.
        name: of the image.
        status: EXPLAINED, SKIPPED (an earlier run had finished it), EMPTY (its caption has none of the requested
            words) or FAILED.
        folder: of its files.
        caption: of an explained image.
        error: the exception of a failed image.
    """

    number: int
    of: int
    name: str
    status: str
    folder: pathlib.Path
    caption: str = ""
    error: Exception | None = None

    def __str__(self) -> str:
        """A line of progress; empty if there is nothing to report."""
        said = {EXPLAINED: self.caption, FAILED: f"FAILED: {one_line(self.error or ValueError())}"}.get(self.status)
        return f"[{self.number}/{self.of}] {self.name}: {said}" if said else ""


def print_done(done: Done) -> None:
    """Prints the line of an image to stdout, or to stderr if it failed."""
    if str(done):
        print(done, file=sys.stderr if done.status == FAILED else sys.stdout, flush=True)


@dataclasses.dataclass
class Outcome:
    """The outcome of a batch.

    Attributes:
        explained: number of images that were explained and written.
        skipped: number of images that an earlier run had finished.
        empty: number of images whose caption has none of the requested words.
        failed: name -> the error, in one line.
        left: number of images that were not started, because nothing more could be written.
        no_index: why the index could not be written, in one line.
        seconds: how long it took.
        others: the names of files that were found beside the images and are none.
    """

    explained: int = 0
    skipped: int = 0
    empty: int = 0
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    left: int = 0
    no_index: str = ""
    seconds: float = 0.0
    others: list[str] = dataclasses.field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing failed, and not every image was EMPTY."""
        in_vain = self.empty and not self.explained + self.skipped
        return not (self.failed or self.left or self.no_index or in_vain)

    def __str__(self) -> str:
        parts = [f"{self.explained} explained in {self.seconds:.0f} s"]
        if self.skipped:
            parts.append(f"{self.skipped} were finished before")
        if self.empty:
            parts.append(f"{self.empty} without the words asked for")
        if self.failed:
            names = ", ".join(list(self.failed)[:5]) + (", ..." if len(self.failed) > 5 else "")
            parts.append(f"{len(self.failed)} failed ({names})")
        if self.left:
            parts.append(f"{self.left} not started: nothing more can be written; free space and continue with --resume")
        if self.no_index:
            parts.append(f"no index ({self.no_index})")
        if self.others:
            parts.append(no_images(self.others))
        return ", ".join(parts)


def no_images(names: Sequence[str], most: int = 5) -> str:
    """Such as "7 files that are no images (a.txt, b.json, ...)"."""
    shown = ", ".join(names[:most]) + (", ..." if len(names) > most else "")
    return (
        f"{len(names)} files that are no images ({shown})" if len(names) > 1 else f"1 file that is no image ({shown})"
    )


Later = Callable[[], Case | Comparison | None]
"""Makes the case to draw once its results are needed; it may wait for the device."""

Prepare = Callable[[Sequence[tuple[Picture, UInt8[np.ndarray, "H W 3"]]]], Sequence[Any]]
"""From several images and their pixels to one value for each."""

AHEAD = 2  # images on the device: the current one and the next one


def explain_batch(
    pictures: Sequence[Picture],
    to_case: Callable[..., Case | Comparison | Later | None],
    out: str | os.PathLike,
    *,
    prepare: Prepare | None = None,
    together: int = 1,
    formats: Sequence[str] = writers.FORMATS,
    facts: Mapping[str, str] | None = None,
    provenance: Mapping[str, Any] | None = None,
    key: bytes = b"",
    resume: bool = False,
    share: tuple[int, int] = (0, 1),
    tell: Callable[[Done], None] = print_done,
) -> Outcome:
    """Explains each image of a batch, writes it to its own folder, and writes an index of all.

    Images are read in one thread and written in another, while the device computes.

    The index is also written when the batch is interrupted, so that the finished images can be viewed. If several
    processes share a batch, each writes the index when its own images are done, one after the other, so that the last
    index has all images.

    Args:
        pictures: the images.
        to_case: from an image and its pixels to the case to draw, or to a function that makes the case: this function
            is called in the writing thread, so that the device need not wait for it. None if the caption has none of
            the requested words.
        out: folder of the results; created if missing.
        prepare: processes several images at once; its result for an image is the third argument of `to_case`. If it
            fails, it is called again for each image alone.
        together: the number of images for one call of `prepare`.
        formats, facts, provenance: as for `write`.
        key: a hash of everything but the pixels that the results depend on.
        resume: skip images that an earlier run with the same key has finished for the same pixels.
        share: (i, n): this is process i of n, which gets every n-th image.
        tell: called after each image; by default progress goes to stdout and failures to stderr, one line each.

    Returns:
        The counts. An image that raises any exception is counted as failed. If the disk is full, the batch ends early.

    Raises:
        OSError: `out` cannot be created.
    """
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    part, parts = share
    places = folders([picture.name for picture in pictures])  # of all, so that no two processes use one folder
    mine = list(zip(pictures, places, strict=True))[part::parts]
    write = functools.partial(writers.write, formats=formats, facts=facts, provenance=provenance)
    batch = _Batch(mine, to_case, out, prepare=prepare, key=key, resume=resume, write=write, tell=tell)
    return batch.run(together, index="html" in formats)


class _Batch:
    """A running batch: a reader thread, the caller's thread, which explains, and a writer thread.

    Args:
        mine: the images of this process, each with the name of its folder.
        to_case, out, prepare, key, resume, tell: as for `explain_batch`.
        write: `writers.write` with the arguments that all images share.
    """

    def __init__(
        self,
        mine: Sequence[tuple[Picture, str]],
        to_case: Callable[..., Case | Comparison | Later | None],
        out: pathlib.Path,
        *,
        prepare: Prepare | None,
        key: bytes,
        resume: bool,
        write: Callable[..., Any],
        tell: Callable[[Done], None],
    ):
        self._mine, self._to_case, self._out, self._prepare = mine, to_case, out, prepare
        self._key, self._resume, self._write_files, self._tell = key, resume, write, tell
        self._outcome = Outcome()
        self._full = threading.Event()  # nothing more can be written
        self._device = threading.Semaphore(AHEAD)
        self._under_way: collections.deque[tuple[int, Future]] = collections.deque()
        self._reader, self._writer = (
            ThreadPoolExecutor(1, name, initializer=_give_way) for name in ("reader", "writer")
        )

    def run(self, together: int, index: bool) -> Outcome:
        """Explains all images, `together` at a time, and writes the index; also after an interruption."""
        start = time.monotonic()
        try:
            with bombs_are_errors():
                self._explain_all(together)
        finally:
            self._reader.shutdown(cancel_futures=True)
            self._writer.shutdown()
            with contextlib.suppress(Exception):  # after an interruption: counts the images that were in progress
                self._settle_all()
            self._outcome.seconds = time.monotonic() - start
            if index:
                self._write_index()
        return self._outcome

    def _explain_all(self, together: int) -> None:
        count, begun = len(self._mine), 0
        groups = [range(count)[start : start + together] for start in range(0, count, together)]
        following = self._look_at(groups[0]) if groups else []
        for numbers, after in itertools.zip_longest(groups, groups[1:], fillvalue=()):
            looked, following = following, self._look_at(after)
            for number, future in self._begin_all(numbers, looked):
                self._under_way.append((number, future))
                begun += 1
                while self._under_way and self._under_way[0][1].done():
                    self._settle(*self._under_way.popleft())
                if self._full.is_set():
                    break
            if self._full.is_set():
                break
        self._settle_all()
        self._outcome.left += count - begun

    def _look_at(self, numbers: Sequence[int]) -> list[Future]:
        return [self._reader.submit(self._look, number) for number in numbers]

    def _look(self, number: int) -> tuple[np.ndarray, str] | None:
        """Reader thread: pixels and fingerprint; None if the image is finished already."""
        picture, place = self._mine[number]
        pixels = picture.read()
        fingerprint = _fingerprint(self._key, pixels)
        return None if self._resume and writers.finished(self._out / place, fingerprint) else (pixels, fingerprint)

    def _begin_all(self, numbers: Sequence[int], looked: Sequence[Future]) -> Iterator[tuple[int, Future]]:
        """Starts the images of a group, and yields their futures in order."""
        found, settled = {}, {}
        for number, future in zip(numbers, looked, strict=True):
            try:
                if (seen := future.result()) is None:
                    settled[number] = _settled((SKIPPED, ""))
                else:
                    found[number] = seen
            except Exception as error:
                settled[number] = _settled(error=error)
        group = [(self._mine[number][0], pixels) for number, (pixels, _) in found.items()]
        beside = dict(zip(found, self._prepared(group), strict=True))
        for number in numbers:
            # The prepared values may be large, so each is released with its image.
            yield number, settled.get(number) or self._begin(number, *found.pop(number), beside.pop(number))

    def _prepared(self, group: Sequence[tuple[Picture, np.ndarray]]) -> list[Future]:
        """The third argument of `to_case` for each image, as futures."""
        if self._prepare is None or not group:
            return [_settled(()) for _ in group]
        try:
            return [_settled((one,)) for one in self._prepare(group)]
        except Exception as error:
            if len(group) == 1:
                return [_settled(error=error)]
            return [one for item in group for one in self._prepared([item])]

    def _begin(self, number: int, pixels: np.ndarray, fingerprint: str, beside: Future) -> Future:
        """Explains an image, and returns the future of its status and caption."""
        picture, place = self._mine[number]
        try:
            arguments = (picture, pixels, *beside.result())
            self._device.acquire()
            try:
                case = self._to_case(*arguments)
            except BaseException:
                self._device.release()
                raise
            later = case if callable(case) else lambda: case
            return self._writer.submit(self._write, self._out / place, later, fingerprint)
        except Exception as error:
            return _settled(error=error)

    def _write(self, folder: pathlib.Path, later: Later, fingerprint: str) -> tuple[str, str]:
        """Writer thread: status and caption."""
        try:
            case = later()
        finally:
            self._device.release()
        if case is None:
            return EMPTY, ""
        if self._full.is_set():
            return LEFT, ""
        try:
            self._write_files(folder, case, fingerprint=fingerprint)
        except OSError as error:
            if error.errno in _FULL:
                self._full.set()
            raise
        return EXPLAINED, " ".join(case.words[1:])

    def _settle_all(self) -> None:
        while self._under_way:
            self._settle(*self._under_way.popleft())

    def _settle(self, number: int, future: Future) -> None:
        """Counts an image and reports it."""
        picture, place = self._mine[number]
        status, caption, raised = FAILED, "", None
        try:
            status, caption = future.result()
        except Exception as error:
            raised = error
            self._outcome.failed[picture.name] = one_line(error)
        self._outcome.explained += status == EXPLAINED
        self._outcome.skipped += status == SKIPPED
        self._outcome.empty += status == EMPTY
        self._outcome.left += status == LEFT
        if status != LEFT:
            folder = self._out / place
            self._tell(Done(number + 1, len(self._mine), picture.name, status, folder, caption, raised))

    def _write_index(self) -> None:
        try:
            with locked(self._out):
                writers.write_index(self._out)
        except OSError as error:
            self._outcome.no_index = one_line(error)


def _give_way() -> None:
    """Lowers the priority of this thread, as on a CPU the other threads do the computing."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)  # of a thread: Linux


def _settled(result: Any = None, error: Exception | None = None) -> Future:
    future: Future = Future()
    future.set_result(result) if error is None else future.set_exception(error)
    return future


@contextlib.contextmanager
def bombs_are_errors() -> Iterator[None]:
    """Makes decompression bombs (small files, huge images) errors in this block, in every thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def read_pixels(picture: Picture) -> UInt8[np.ndarray, "H W 3"]:
    """The pixels of a `picture` that are explained.

    Raises:
        ValueError: the file has no readable image, or is a decompression bomb (a small file, a huge image).
        OSError: the file cannot be read.
    """
    with bombs_are_errors():
        return picture.read()


def one_line(error: BaseException, longest: int = 300) -> str:
    """An exception as one readable line; includes its type unless it is a ValueError or an OSError with a message.

    Args:
        error: the exception.
        longest: the maximum number of characters; a longer line is cut and ends in an ellipsis.
    """
    text = printable(" ".join(str(error).split()))
    if not isinstance(error, ValueError | OSError) or not text:
        text = f"{type(error).__name__}: {text}".removesuffix(": ")
    return text if len(text) <= longest else text[: longest - 1] + "…"


def presentable(pixels: UInt8[np.ndarray, "H W 3"], least: int = 384, most: int = 640) -> np.ndarray:
    """The picture at a size for display.

    Args:
        pixels: the picture.
        least, most: bounds on its longest side, in pixels.

    Returns:
        uint8 [h, w, 3], of the same proportions; `pixels` itself if its size is within the bounds.
    """
    longest = max(pixels.shape[:2])
    factor = min(max(longest, least), most) / longest
    if factor == 1:
        return pixels
    size = tuple(max(1, round(side * factor)) for side in (pixels.shape[1], pixels.shape[0]))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def _fingerprint(key: bytes, pixels: np.ndarray) -> str:
    return hashlib.sha256(b"%s %r" % (key, pixels.shape) + np.ascontiguousarray(pixels).tobytes()).hexdigest()
