"""CIDEr-D on the device beside pycocoevalcap: python -m benchmarks.reward [--rounds 21] [--json FILE]

64 captions of 20 words with 5 references each, from a corpus of 5000 random captions, which gives both the same
document frequencies, computed in advance. The scores must be the same.
"""

from collections.abc import Callable

import jax
import numpy as np
from pycocoevalcap.cider.cider_scorer import CiderScorer, precook

from benchmarks import harness
from benchmarks.harness import Contender
from lrp_jax.captions.data.batches import pad_references
from lrp_jax.captions.metrics.cider_tokens import cider_d, document_frequencies

IMAGES, REFERENCES, BATCH, LENGTH, WORDS = 1000, 5, 64, 20, 11026


class _Corpus(list):
    """The references to score, with the length of the corpus of the document frequencies."""

    def __len__(self) -> int:
        return IMAGES


def draw_corpus(rng: np.random.Generator) -> list[list[list[int]]]:
    """Random captions with word frequencies like those of a language; captions of one image are similar."""
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


def draw_candidates(corpus: list[list[list[int]]]) -> np.ndarray:
    """Captions of the first images that mix parts of three references."""
    return np.array([(texts[0] + texts[1] + texts[2])[:LENGTH] for texts in corpus[:BATCH]], np.int32)


def ways() -> dict[str, Callable]:
    """Scores on the device, and the document frequencies of all references, computed once for a training run."""
    corpus = draw_corpus(np.random.default_rng(0))
    candidates, references = draw_candidates(corpus), pad_references(corpus[:BATCH], LENGTH)
    frequencies = jax.device_put(document_frequencies(corpus, WORDS))
    jitted = jax.jit(cider_d)
    return {
        "scores": lambda: np.asarray(jitted(candidates, references, frequencies)),
        "counting frequencies": lambda: document_frequencies(corpus, WORDS),
    }


def ways_of_pycocoevalcap() -> dict[str, Callable]:
    """pycocoevalcap's scorer, with document frequencies computed in advance."""
    corpus = draw_corpus(np.random.default_rng(0))
    said = [" ".join(map(str, row)) for row in draw_candidates(corpus)]
    strings = [[" ".join(map(str, row[row > 0])) for row in rows] for rows in pad_references(corpus, LENGTH)]
    counts: dict[tuple[str, ...], float] = {}
    for texts in strings:
        for gram in set().union(*map(precook, texts)):
            counts[gram] = counts.get(gram, 0.0) + 1

    def scores():
        scorer = CiderScorer()
        scorer.document_frequency.update(counts)
        for caption, texts in zip(said, strings[:BATCH], strict=True):
            scorer += (caption, texts)
        scorer.crefs = _Corpus(scorer.crefs)
        return np.array(scorer.compute_cider())

    return {"scores": scores}


def main() -> None:
    options = harness.parser(__doc__, rounds=21).parse_args()
    report = harness.Report("reward")
    contenders = [
        Contender("lrp_jax", "benchmarks.reward:ways", unit="scores"),
        Contender("pycocoevalcap", "benchmarks.reward:ways_of_pycocoevalcap", unit="lrp_jax: scores"),
    ]
    with harness.working(contenders) as (workers, _):
        report.add(f"CIDEr-D of {BATCH} captions", harness.take_turns(workers, options.rounds))
        ours, theirs = (worker.value("scores") for worker in workers)
    report.note(scores_differ_by=float(np.abs(ours - theirs).max()))
    report.finish(options.json)


if __name__ == "__main__":
    main()
