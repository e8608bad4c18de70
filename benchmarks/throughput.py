"""Throughput on many images: python -m benchmarks.throughput [--images 50] [--rounds 5] [--json FILE]

explain.py over a folder of JPEG files of 480 x 480, with all output files (arrays, heat maps, page, record), and the
same captions and explanations without reading or writing files, in turn in one process with everything compiled.
The second is the unit: 1 divided by the units of the first is the share of its wall time spent on computing.

VGG16 at 224 x 224 and Ada-LSTM of the paper's sizes, random weights, beam 3, captions of 12 words, LRP of every word
to the pixels. 20 rounds of 50 images are 1000 images.
"""

import pathlib
import tempfile
from collections.abc import Callable

import explain
from benchmarks import harness
from benchmarks.harness import Contender
from benchmarks.paper_size import write_models, write_pictures
from lrp_jax.captions.pages.explained import begin_picture, caption_pictures
from lrp_jax.captions.pages.pictures import find_pictures
from lrp_jax.cli.common import Output

WORDS = 12
COMPUTING = "captions and relevance alone"


def ways(folder: str) -> dict[str, Callable]:
    place = pathlib.Path(folder)
    options = explain.Options(
        captioner_weights=str(place / "captioner.safetensors"),
        encoder_weights=str(place / "encoder.safetensors"),
        vocabulary=str(place / "wordmap.json"),
        images=str(place / "pictures"),
        max_length=WORDS,
    )
    speaker = explain.load(options)
    explain.load = lambda options: speaker  # the models are read once, as for a long run
    pictures = [(picture, picture.read()) for picture in find_pictures(options.images, options.out, speaker)]

    def compute():
        waiting = []
        for start in range(0, len(pictures), explain.TOGETHER):
            group = pictures[start : start + explain.TOGETHER]
            for both, captioned in zip(group, caption_pictures(speaker, options, group), strict=True):
                waiting.append(begin_picture(speaker, options, *both, captioned))
                if len(waiting) > 1:
                    waiting.pop(0)()
        waiting.pop()()

    def everything():
        with tempfile.TemporaryDirectory() as out:
            code, summary = explain.run_batch(explain.dataclasses.replace(options, out=out), Output())
        if code or summary["explained"] != len(pictures):
            raise ValueError(f"explain.py printed {summary}; wanted {len(pictures)} explained images")

    return {COMPUTING: compute, "explain.py": everything}


def main() -> None:
    parser = harness.parser(__doc__, rounds=5)
    parser.add_argument("--images", type=int, default=50, help="images per round; 50")
    options = parser.parse_args()
    report = harness.Report("throughput")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        write_models(folder)
        write_pictures(folder / "pictures", options.images)
        rows = harness.alternate(
            [Contender("", "benchmarks.throughput:ways", {"folder": temporary}, COMPUTING)], options.rounds
        )
    report.add(f"{options.images} images of {WORDS} words", rows)
    alone, everything = (sum(row.seconds) for row in rows)
    report.note(
        share_of_computing=alone / everything,
        images_a_minute=60 * options.images * len(rows[1].seconds) / everything,
    )
    report.finish(options.json)


if __name__ == "__main__":
    main()
