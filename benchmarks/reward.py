"""CIDEr-D on the device against pycocoevalcap: python -m benchmarks.reward

64 captions of 20 words with 5 references each, of a corpus of 5000 drawn captions, which gives both the same document
frequencies, counted before. Rounds in turn; what is compiled once is not counted. The scores have to be the same.
"""

import argparse
import statistics
import time

import jax
import numpy as np
from pycocoevalcap.cider.cider_scorer import CiderScorer, precook

from benchmarks.common import write_figures
from lrp_jax.data import pad_references
from lrp_jax.metrics.cider_tokens import cider_d, document_frequencies

IMAGES, REFERENCES, BATCH, LENGTH, WORDS = 1000, 5, 64, 20, 11026


class _Corpus(list):
    """The references that are scored, of so many images as the frequencies are of."""

    def __len__(self) -> int:
        return IMAGES


def draw_corpus(rng: np.random.Generator) -> list[list[list[int]]]:
    """Captions whose words are as unevenly frequent as those of a language, and alike where of one image."""
    corpus = []
    for _ in range(IMAGES):
        subject = 4 + np.minimum(rng.zipf(1.3, LENGTH) - 1, WORDS - 5)
        texts = []
        for _ in range(REFERENCES):
            other = 4 + np.minimum(rng.zipf(1.3, LENGTH) - 1, WORDS - 5)
            words = np.where(rng.random(LENGTH) < 0.5, subject, other)
            texts.append(words[: rng.integers(8, LENGTH)].tolist())
        corpus.append(texts)
    return corpus


def measure(rounds: int) -> dict:
    rng = np.random.default_rng(0)
    corpus = draw_corpus(rng)
    candidates = np.array([(texts[0] + texts[1] + texts[2])[:LENGTH] for texts in corpus[:BATCH]], np.int32)
    references = pad_references(corpus[:BATCH], LENGTH)

    began = time.perf_counter()
    frequencies = jax.device_put(document_frequencies(corpus, WORDS))
    counting = time.perf_counter() - began
    counts: dict[tuple[str, ...], float] = {}
    strings = [[" ".join(map(str, row[row > 0])) for row in rows] for rows in pad_references(corpus, LENGTH)]
    for texts in strings:
        for gram in set().union(*map(precook, texts)):
            counts[gram] = counts.get(gram, 0.0) + 1
    said = [" ".join(map(str, row)) for row in candidates]
    jitted = jax.jit(cider_d)

    def on_device():
        return np.asarray(jitted(candidates, references, frequencies))

    def pycocoevalcap():
        scorer = CiderScorer()
        scorer.document_frequency.update(counts)
        for caption, texts in zip(said, strings[:BATCH], strict=True):
            scorer += (caption, texts)
        scorer.crefs = _Corpus(scorer.crefs)
        return np.array(scorer.compute_cider())

    ways = {"on_device": on_device, "pycocoevalcap": pycocoevalcap}
    difference = float(np.abs(on_device() - pycocoevalcap()).max())
    times = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - began)
    median = {name: statistics.median(values) for name, values in times.items()}
    least = {name: min(values) for name, values in times.items()}
    return {
        "largest_difference": difference,
        "seconds_to_count_frequencies": counting,
        "median_seconds": median,
        "least_seconds": least,
        "ratio_of_medians": median["pycocoevalcap"] / median["on_device"],
        "ratio_of_least": least["pycocoevalcap"] / least["on_device"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", help="file to write the figures to")
    options = parser.parse_args()
    figures = measure(options.rounds)
    for name in ("on_device", "pycocoevalcap"):
        print(
            f"{name:14s} median {1e3 * figures['median_seconds'][name]:7.2f} ms, "
            f"least {1e3 * figures['least_seconds'][name]:7.2f} ms"
        )
    print(
        f"{figures['ratio_of_medians']:.1f} times faster by medians, {figures['ratio_of_least']:.1f} by the fastest "
        f"rounds; the scores differ by at most {figures['largest_difference']:.1e}"
    )
    write_figures(options.json, figures)


if __name__ == "__main__":
    main()
