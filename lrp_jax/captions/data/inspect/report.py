"""The statistics of a source as text."""

from collections.abc import Iterator, Sequence

from lrp_jax.captions.data.inspect.counts import Count, Description, Spread

_BARS = 40  # length of the longest bar in characters
_BINS = 12  # approximate number of bars


def report(found: Description, most: int = 25) -> str:
    """The statistics of a source as text.

    Args:
      found: the statistics.
      most: the maximum number of object words and box categories to list.
    """
    return "\n".join(_lines(found, most))


def _lines(found: Description, most: int) -> Iterator[str]:
    yield from _splits(found)
    yield ""
    yield _vocabulary(found)
    if found.skipped:
        yield "skipped: " + ", ".join(f"{count} x {what}" for what, count in sorted(found.skipped.items()))
    lengths = found.splits[found.split].lengths
    if lengths.counts:
        yield f"\ntokens per caption, {found.split}:"
        yield from _histogram(lengths)
    yield ""
    yield from _sizes(found)
    if found.objects:
        yield f"\nobject words, {found.split}: {_shown(len(found.objects), most)}"
        header = ("word", "names", "images", "mentions")
        yield from _table([header, *((c.name, c.category, c.images, c.times) for c in found.objects[:most])], left=2)
    if found.chosen:
        yield "\nthe paper's frequent object words, mentions/images:"
        yield from _wrapped([f"{c.name} {c.times}/{c.images}" for c in found.chosen])
    if found.boxes:
        yield f"\nboxes, {found.split}: {_shown(len(found.boxes), most)}"
        yield from _table([("category", "images", "boxes"), *map(_box_row, found.boxes[:most])], left=1)
        mentions, with_box = found.mentions_with_boxes
        if mentions:
            yield f"{with_box} of {mentions} mentions in images with boxes ({with_box / mentions:.1%}) have a box"


def _splits(found: Description) -> Iterator[str]:
    header = (
        "split",
        "images",
        "boxes",
        "captions",
        "per image",
        "tokens: min",
        "median",
        "mean",
        "95 %",
        "max",
        "<unk>",
    )
    rows = []
    for name, split in found.splits.items():
        of = split.lengths
        lengths = (of.least, of.median, of.mean, of.percentile_95, of.most)
        unknown = None if split.unknown is None else f"{split.unknown:.2%}"
        rows.append(
            (name, split.images, split.boxes, split.captions, _range(split.captions_per_image), *lengths, unknown)
        )
    yield from _table([header, *rows], left=1)
    for name, split in found.splits.items():
        if split.without_captions:
            yield f"{split.without_captions} images of {name} have no caption"


def _vocabulary(found: Description) -> str:
    if found.vocabulary is None:
        return "no vocabulary: there are no captions in a split train"
    return (
        f"vocabulary: {found.vocabulary} words with the four special tokens; train has {found.words} different words, "
        f"{found.vocabulary - 4} of them at least {found.min_count} times"
    )


def _histogram(spread: Spread) -> Iterator[str]:
    width = max(1, -(-(spread.most - spread.least + 1) // _BINS))
    bins = [
        (first, sum(count for number, count in spread.counts.items() if first <= number < first + width))
        for first in range(spread.least, spread.most + 1, width)
    ]
    tallest = max(count for _, count in bins)
    for first, count in bins:
        name = f"{first}" if width == 1 else f"{first}-{first + width - 1}"
        bar = "#" * (-(-_BARS * count // tallest))
        yield f"  {name:>9} {bar:{_BARS}} {count}"


def _sizes(found: Description) -> Iterator[str]:
    sizes = found.sizes
    if sizes.widths.counts:
        yield (
            f"sizes of {sizes.looked_at - len(sizes.unreadable)} images of {found.split}: "
            f"width {_range(sizes.widths)}, height {_range(sizes.heights)} (median {sizes.widths.median:g} x "
            f"{sizes.heights.median:g})"
        )
    if sizes.unreadable:
        yield f"{len(sizes.unreadable)} of {sizes.looked_at} images of {found.split} could not be read:"
        yield from (f"  {error}" for error in sizes.unreadable[:3])


def _box_row(count: Count) -> tuple:
    return count.name, count.images, count.times


def _shown(count: int, most: int) -> str:
    return f"{count}" if count <= most else f"the first {most} of {count}"


def _range(spread: Spread) -> str:
    if spread.least is None:
        return "-"
    return f"{spread.least}" if spread.least == spread.most else f"{spread.least} to {spread.most}"


def _table(rows: Sequence[Sequence], left: int) -> Iterator[str]:
    """Aligned columns, the first `left` of them left-aligned and the others right-aligned."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        aligned = (
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield ("  " + "  ".join(aligned)).rstrip()


def _cell(value) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def _wrapped(items: Sequence[str], width: int = 110) -> Iterator[str]:
    line = ""
    for item in items:
        if line and len(line) + len(item) + 2 > width:
            yield f"  {line},"
            line = ""
        line = f"{line}, {item}" if line else item
    yield f"  {line}"
