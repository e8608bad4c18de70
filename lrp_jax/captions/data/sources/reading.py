"""Reads downloaded or hand-written files, with errors that say what to do."""

import csv
import json
import os
import pathlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lrp_jax.captions.data.sources.splits import Skips

# JSON can contain lone surrogates, which cannot be written to a file.
_SURROGATE = re.compile("[\ud800-\udfff]")


def path_of(text: str | os.PathLike) -> pathlib.Path:
    """A path as typed by a user; ~ is expanded.

    Raises:
      ValueError: ~USER is not a known user.
    """
    try:
        return pathlib.Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{text}: wanted ~ or ~USER with a home directory") from None


def is_text(value: object) -> bool:
    """Whether a value from a JSON file is a string that can be written to a file."""
    return isinstance(value, str) and not _SURROGATE.search(value)


def read_bytes(path: pathlib.Path, download: str) -> bytes:
    """The content of a file.

    Raises:
      FileNotFoundError: it does not exist; the message says where to download it.
      IsADirectoryError: it is a folder.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"no file {path}: get it from {download}") from None
    except IsADirectoryError:
        raise IsADirectoryError(f"{path} is a folder, wanted a file") from None


def parse_json(content: bytes, path: pathlib.Path, *, without: str = "") -> Any:
    """The parsed content of a JSON file.

    Args:
      content: of the file.
      path: of the file, for the error message.
      without: a key; lists of numbers under it are removed before parsing, to save time and memory.

    Raises:
      ValueError: it is not valid JSON, or is truncated.
    """
    if without:
        # Quotation marks inside strings are escaped, and a list of numbers has none, so nothing else is removed.
        content = re.sub(rb'"%s":\s*\[[-+\d.,eE\s\[\]]*\]\s*,' % without.encode(), b"", content)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a complete JSON file ({error}); download or write it again") from error


def rows_of(content: Any, key: str, path: pathlib.Path) -> list[Any]:
    """The list under `key` of a JSON file.

    Raises:
      ValueError: there is no such list.
    """
    rows = content.get(key) if isinstance(content, dict) else None
    if not isinstance(rows, list):
        got = f"{key} is a {type(rows).__name__}" if rows is not None else f"there is no {key}"
        raise ValueError(f'{path}: wanted JSON of the form {{"{key}": [...]}}, but {got}')
    return rows


def lines(path: pathlib.Path, download: str) -> Iterator[tuple[int, str]]:
    """The line numbers, from 1, and texts of the lines of a file that are not blank.

    Only line feeds end a line: a carriage return or U+2028 in a caption is part of the caption.

    Raises:
      FileNotFoundError: the file does not exist; the message says where to download it.
      ValueError: it is not UTF-8.
    """
    content = read_bytes(path, download)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.rstrip("\r")


def table(
    path: pathlib.Path, columns: dict[str, Sequence[str]], skips: Skips, download: str
) -> Iterator[dict[str, str]]:
    """The rows of a table with a header line and fields separated by commas or by bars.

    Every line is one row: an unclosed quotation mark damages only one row and not all the following ones.

    Args:
      path: of the file.
      columns: our name of a column -> its names in header lines. All except `split` are required.
      skips: counts lines that are not rows.
      download: where the file can be downloaded, for the error message.

    Raises:
      FileNotFoundError, ValueError: as `lines`; or a column is missing.
    """
    rows = lines(path, download)
    header = next(rows, (0, ""))[1].lower()
    split_line = _split_bars if "|" in header else _split_commas
    names = split_line(header, header.count("|" if "|" in header else ",") + 1) or []
    places = {
        name: next((place for place, title in enumerate(names) if title in titles), None)
        for name, titles in columns.items()
    }
    absent = [name for name, place in places.items() if place is None and name != "split"]
    if absent:
        raise ValueError(f"{path}: wanted a header line with {' and '.join(absent)}, got {header[:80]!r}")
    present = {name: place for name, place in places.items() if place is not None}
    yield from _rows(rows, split_line, len(names), present, path, skips)


def _rows(
    rows: Iterator[tuple[int, str]],
    split_line: Callable[[str, int], list[str] | None],
    width: int,
    places: dict[str, int],
    path: pathlib.Path,
    skips: Skips,
) -> Iterator[dict[str, str]]:
    last = places.get("caption") == width - 1
    for number, line in rows:
        fields = split_line(line, width)
        if fields is not None and len(fields) > width and last:
            # A caption without quotation marks may contain commas.
            fields = [field.strip() for field in line.split(",", width - 1)]
        if fields is None or len(fields) != width or not fields[places["file"]]:
            skips.add("line that is not a row of the table", f"{path.name}:{number}")
        else:
            yield {name: fields[place] for name, place in places.items()}


def _split_bars(line: str, width: int) -> list[str] | None:
    fields = [field.strip() for field in line.split("|", width - 1)]
    if len(fields) == width - 1:
        # A known defect of the published file: 2199200615.jpg| 4   A dog runs across the grass .
        number, _, text = fields.pop().partition(" ")
        return [*fields, number, text.strip()] if number.isdecimal() else None
    return fields


def _split_commas(line: str, width: int) -> list[str] | None:
    del width
    try:
        fields = next(csv.reader([line], strict=True, skipinitialspace=True))
    except csv.Error:
        if line.count('"') % 2:
            return None
        fields = line.split(",")  # quotation marks are part of the caption, in a file without quoting
    return [field.strip() for field in fields]
