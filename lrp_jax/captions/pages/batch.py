"""Many images: read ahead, explained, and written behind; what goes wrong with one costs no other."""

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
"""What becomes of an image: the values of `Done.status`."""
LEFT = "left"  # explained when nothing more could be written

# After these nothing more can be written; what is left is for another time, and not for a line each.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclasses.dataclass(frozen=True)
class Picture:
    """An image of a batch.

    Attributes:
        name: what the reader knows it by; the batch's names are all different.
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
    """What became of one image, for whoever follows a batch.

    Attributes:
        number, of: which of how many images it is, from 1.
        name: the image's.
        status: EXPLAINED, SKIPPED (an earlier run had finished it), EMPTY (it has nothing of what was asked for) or
            FAILED.
        folder: of its files.
        caption: of an image that was explained.
        error: what a failed one raised.
    """

    number: int
    of: int
    name: str
    status: str
    folder: pathlib.Path
    caption: str = ""
    error: Exception | None = None

    def __str__(self) -> str:
        """A line for people; empty where there is nothing to be told."""
        said = {EXPLAINED: self.caption, FAILED: f"FAILED: {one_line(self.error or ValueError())}"}.get(self.status)
        return f"[{self.number}/{self.of}] {self.name}: {said}" if said else ""


def print_done(done: Done) -> None:
    """Prints the line of an image, of one that failed to stderr."""
    if str(done):
        print(done, file=sys.stderr if done.status == FAILED else sys.stdout, flush=True)


@dataclasses.dataclass
class Outcome:
    """What became of a batch.

    Attributes:
        explained: how many images were explained and written.
        skipped: how many had been finished by an earlier run.
        empty: how many had nothing of what was asked for.
        failed: name -> what went wrong, in one line.
        left: how many were not begun, because no more could be written.
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
        """Whether nothing went wrong, and some image had what was asked for, if there were any."""
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
            parts.append(f"{self.left} not begun: nothing more can be written; make room and go on with --resume")
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
"""What makes the drawing, when the results are needed: it may wait for the device."""

Prepare = Callable[[Sequence[tuple[Picture, UInt8[np.ndarray, "H W 3"]]]], Sequence[Any]]
"""From several images and their pixels to one thing for each."""

AHEAD = 2  # images on the device: the one that is computed and the one that is next


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
    """Explains and writes each image of a batch into its own folder, and an index of all.

    Images are read in one thread and written in another, while the device is at work for those in between.

    The index is written also when the batch is interrupted, so that what is finished can be looked at. Of several
    processes that share a batch each writes it when its own images are done, one after the other, so that the last
    one has them all.

    Args:
        pictures: the images.
        to_case: from an image and its pixels to what is drawn, or to a function that makes it: this one is called in
            the writing thread, where it does not keep the device waiting. None stands for an image that has nothing of
            what was asked for.
        out: folder of the results; made if missing.
        prepare: what is done for several images at once; what it returns for each of them is the third argument of
            `to_case`. If it fails it is called for each of them alone.
        together: for how many.
        formats, facts, provenance: as for `write`.
        key: stands for everything but the pixels that the results depend on.
        resume: leave alone what an earlier run with the same key has finished for the same pixels.
        share: (i, n): of n processes this is the i-th, and has every n-th image.
        tell: is called after each image; by default progress goes to stdout and failures to stderr, one line each.

    Returns:
        The counts. An image that raises any exception is counted as failed. Where the disk is full the batch ends
        early.

    Raises:
        OSError: if `out` cannot be made.
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
    """A batch under way: a thread that reads ahead, the caller's that explains, and one that writes behind.

    Args:
        mine: the images of this process, each with the name of its folder.
        to_case, out, prepare, key, resume, tell: as for `explain_batch`.
        write: `writers.write` with what is the same for all images.
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
            with contextlib.suppress(Exception):  # after an interruption: what was under way is finished by now
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
        """Reader thread: pixels and fingerprint; None if there is nothing to do."""
        picture, place = self._mine[number]
        pixels = picture.read()
        fingerprint = _fingerprint(self._key, pixels)
        return None if self._resume and writers.finished(self._out / place, fingerprint) else (pixels, fingerprint)

    def _begin_all(self, numbers: Sequence[int], looked: Sequence[Future]) -> Iterator[tuple[int, Future]]:
        """What becomes of the images of a group, in their order."""
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
            # What was prepared may be large: it is let go with the image.
            yield number, settled.get(number) or self._begin(number, *found.pop(number), beside.pop(number))

    def _prepared(self, group: Sequence[tuple[Picture, np.ndarray]]) -> list[Future]:
        """What `to_case` gets beside each image and its pixels."""
        if self._prepare is None or not group:
            return [_settled(()) for _ in group]
        try:
            return [_settled((one,)) for one in self._prepare(group)]
        except Exception as error:
            if len(group) == 1:
                return [_settled(error=error)]
            return [one for item in group for one in self._prepared([item])]

    def _begin(self, number: int, pixels: np.ndarray, fingerprint: str, beside: Future) -> Future:
        """What becomes of an image, as soon as it has."""
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
        """Counts an image and tells of it."""
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
    """Lets this thread have only what the others leave: on a CPU these compute, each on its share of an image."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)  # of a thread: Linux


def _settled(result: Any = None, error: Exception | None = None) -> Future:
    future: Future = Future()
    future.set_result(result) if error is None else future.set_exception(error)
    return future


@contextlib.contextmanager
def bombs_are_errors() -> Iterator[None]:
    """In the block a decompression bomb, small itself and huge when unpacked, cannot be read, in no thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def read_pixels(picture: Picture) -> UInt8[np.ndarray, "H W 3"]:
    """The pixels of a `picture` that are explained.

    Raises:
        ValueError: a file has no readable image, or is a decompression bomb, small itself and huge when unpacked.
        OSError: it cannot be read.
    """
    with bombs_are_errors():
        return picture.read()


def one_line(error: BaseException, longest: int = 300) -> str:
    """An exception as one line for people; its type is named where the message alone may not say enough.

    Args:
        error: the exception.
        longest: characters of the line; what is longer ends in an ellipsis.
    """
    text = printable(" ".join(str(error).split()))
    if not isinstance(error, ValueError | OSError) or not text:
        text = f"{type(error).__name__}: {text}".removesuffix(": ")
    return text if len(text) <= longest else text[: longest - 1] + "…"


def presentable(pixels: UInt8[np.ndarray, "H W 3"], least: int = 384, most: int = 640) -> np.ndarray:
    """The picture at a size to look at.

    Args:
        pixels: the picture.
        least, most: between how many pixels its longest side has to lie.

    Returns:
        uint8 [h, w, 3], of the same proportions; `pixels` itself if its size is right.
    """
    longest = max(pixels.shape[:2])
    factor = min(max(longest, least), most) / longest
    if factor == 1:
        return pixels
    size = tuple(max(1, round(side * factor)) for side in (pixels.shape[1], pixels.shape[0]))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def _fingerprint(key: bytes, pixels: np.ndarray) -> str:
    return hashlib.sha256(b"%s %r" % (key, pixels.shape) + np.ascontiguousarray(pixels).tobytes()).hexdigest()
