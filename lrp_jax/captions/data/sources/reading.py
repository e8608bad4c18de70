"""Files that people download or write by hand, with errors that say what to do."""

import csv
import json
import os
import pathlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lrp_jax.captions.data.sources.splits import Skips

# JSON can spell the halves of a surrogate pair one by one; no file can hold them.
_SURROGATE = re.compile("[\ud800-\udfff]")


def path_of(text: str | os.PathLike) -> pathlib.Path:
    """A path as a person writes it, which may begin with ~.

    Raises:
      ValueError: it is in the home of a user whom there is not.
    """
    try:
        return pathlib.Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{text}: wanted ~ or ~USER of a user who has a home") from None


def is_text(value: object) -> bool:
    """Whether a value out of a JSON file is a string that can be written to a file."""
    return isinstance(value, str) and not _SURROGATE.search(value)


def read_bytes(path: pathlib.Path, download: str) -> bytes:
    """The content of a file.

    Raises:
      FileNotFoundError: there is none; the message says where it can be had.
      IsADirectoryError: it is a folder.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"no file {path}: it can be had from {download}") from None
    except IsADirectoryError:
        raise IsADirectoryError(f"{path} is a folder, wanted a file") from None


def parse_json(content: bytes, path: pathlib.Path, *, without: str = "") -> Any:
    """What a JSON file holds.

    Args:
      content: of the file.
      path: of the file, for the error.
      without: a key; lists of numbers behind it are cut out before reading, so that they take neither time nor memory.

    Raises:
      ValueError: it is no JSON, or not all of it is there.
    """
    if without:
        # Within strings quotation marks are escaped, and no list of numbers has one: nothing else is cut.
        content = re.sub(rb'"%s":\s*\[[-+\d.,eE\s\[\]]*\]\s*,' % without.encode(), b"", content)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: got no whole JSON file ({error}); download or write it again") from error


def rows_of(content: Any, key: str, path: pathlib.Path) -> list[Any]:
    """The list `key` of a JSON file.

    Raises:
      ValueError: there is none.
    """
    rows = content.get(key) if isinstance(content, dict) else None
    if not isinstance(rows, list):
        got = f"{key} is a {type(rows).__name__}" if rows is not None else f"there is no {key}"
        raise ValueError(f'{path}: wanted JSON of the form {{"{key}": [...]}}, but {got}')
    return rows


def lines(path: pathlib.Path, download: str) -> Iterator[tuple[int, str]]:
    """The numbers, from 1, and the texts of the lines of a file that are not blank.

    Only line feeds end a line: a carriage return or a U+2028 within a caption is part of it.

    Raises:
      FileNotFoundError: there is none; the message says where it can be had.
      ValueError: it is not UTF-8.
    """
    content = read_bytes(path, download)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: got no UTF-8 at byte {error.start}; save it as UTF-8") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.rstrip("\r")


def table(
    path: pathlib.Path, columns: dict[str, Sequence[str]], skips: Skips, download: str
) -> Iterator[dict[str, str]]:
    """The rows of a table with a header line, its fields separated by commas or by bars.

    Every line is a row of its own: a quotation mark that is never closed costs one row and not all that follow.

    Args:
      path: of the file.
      columns: our name of a column -> how headers call it. All but `split` must be there.
      skips: where lines that are no row are counted.
      download: where the file can be had, for the error.

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
            # A caption that was not quoted may hold commas.
            fields = [field.strip() for field in line.split(",", width - 1)]
        if fields is None or len(fields) != width or not fields[places["file"]]:
            skips.add("line that is no row of the table", f"{path.name}:{number}")
        else:
            yield {name: fields[place] for name, place in places.items()}


def _split_bars(line: str, width: int) -> list[str] | None:
    fields = [field.strip() for field in line.split("|", width - 1)]
    if len(fields) == width - 1:
        # The well-known row 2199200615.jpg| 4   A dog runs across the grass .
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
        fields = line.split(",")  # quotation marks of the caption itself, in a file that quotes nothing
    return [field.strip() for field in fields]
