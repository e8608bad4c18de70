"""Cost of an explanation by problem size: python -m benchmarks.growth [--rounds 3] [--json FILE] [--plot FILE.png]

LRP of all words to the pixels, by `explain_image` and `explain_images`, with VGG16 and Ada-LSTM of the paper's sizes
(224 x 224, 12 words, one image, 11026 words in the vocabulary, random weights), varying one of these numbers at a time.
In the tables the unit of each process is its own forward pass; in the plot the unit is the fastest forward pass of
VGG16 on an image of 224 x 224. A straight line is fitted to the fastest rounds.
"""

import pathlib
import shutil
import tempfile
from collections.abc import Sequence

import numpy as np

from benchmarks import harness
from benchmarks.harness import Contender
from benchmarks.paper_size import write_models, write_question
from benchmarks.stages import UNIT, VOCABULARY

WAYS = "benchmarks.stages:caption_ways"
# The values of each varied number.
VALUES = {
    "words": (1, 2, 4, 8, 12, 16, 20, 30),
    "images": (1, 2, 4, 8),
    "vocabulary": (1000, 4000, VOCABULARY, 20000, 40000),
    "side": (112, 160, 224, 288, 352, 448),
}
LABELS = {
    "words": "words of the caption",
    "images": "images together, 12 words each",
    "vocabulary": "words of the vocabulary",
    "side": "pixels of the image (thousands)",
}


def measure(what: str, folder: pathlib.Path, rounds: int) -> list[harness.Row]:
    """Measures all values of one number in turn, with the others as in the paper."""
    contenders = []
    for value in VALUES[what]:
        settings = {"folder": str(folder), "words": 12, "methods": ["lrp"]}
        if what == "side":
            settings["folder"] = str(folder / str(value))
        else:
            settings[what] = value
        contenders.append(Contender(str(value), WAYS, settings, UNIT))
    return harness.alternate(contenders, rounds)


def costs(what: str, rows: Sequence[harness.Row]) -> tuple[np.ndarray, np.ndarray]:
    """x and y of a curve: the number (for a side: thousands of pixels) and the units of the whole explanation."""
    least = np.array([min(row.seconds) for row in rows if row.name.endswith(": lrp")])
    units = least / [row.units[0] for row in rows if row.name.endswith(": lrp")]
    x = np.array(VALUES[what], float)
    if what == "side":
        return x**2 / 1000, least / units[VALUES[what].index(224)]  # the forward pass of a larger image costs more
    return x, least / units.min()


def line(x: np.ndarray, y: np.ndarray) -> str:
    """The straight line fitted to a curve."""
    slope, start = np.polyfit(x, y, 1)
    off = np.abs(start + slope * x - y).max()
    return f"{start:.2f} + {slope:.3g} n, at most {off:.2f} off"


def draw(curves: dict[str, tuple[np.ndarray, np.ndarray]], file: str) -> None:
    """Draws a panel for each number, with its straight line."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(curves), figsize=(3.2 * len(curves), 3), layout="constrained")
    for axis, (what, (x, y)) in zip(axes, curves.items(), strict=True):
        slope, start = np.polyfit(x, y, 1)
        ends = np.array([0, x.max()])
        axis.plot(ends, start + slope * ends, color="0.7", linewidth=1)
        axis.plot(x, y, "o", color="#b2182b", markersize=4)
        axis.set_xlabel(LABELS[what])
        axis.set_ylim(0, 1.1 * y.max())
        axis.set_xlim(0, 1.05 * x.max())
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("forward passes of VGG16")
    figure.savefig(file, dpi=150)


def main() -> None:
    parser = harness.parser(__doc__, rounds=3)
    parser.add_argument("--plot", metavar="FILE", help="where to draw the curves")
    options = parser.parse_args()
    report = harness.Report("growth")
    curves = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        write_models(folder)
        write_question(folder, 1)
        for side in VALUES["side"]:
            (folder / str(side)).mkdir()
            shutil.copy(folder / "encoder.safetensors", folder / str(side))
            write_question(folder / str(side), 1, side)
        for what in VALUES:
            rows = measure(what, folder, options.rounds)
            report.add(f"Growth with {LABELS[what]}", [row for row in rows if not row.name.endswith(UNIT)])
            curves[what] = costs(what, rows)
            report.note(**{f"units by {LABELS[what]}": line(*curves[what])})
    if options.plot:
        draw(curves, options.plot)
    report.finish(options.json)


if __name__ == "__main__":
    main()
