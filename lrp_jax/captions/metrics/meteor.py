"""METEOR, computed by its authors' program, which runs under Java."""

import contextlib
import dataclasses
import pathlib
import subprocess
import tempfile
import threading
from collections.abc import Sequence

import numpy as np
import pycocoevalcap.meteor.meteor as package
from jaxtyping import Float

from lrp_jax.captions.metrics.captions import Tokenizer, our_tokens, tokenized
from lrp_jax.captions.metrics.java import JavaError, java, last_line

# METEOR 1.5 for English: the weight of recall against precision, the exponent and weight of the penalty for a different
# word order, the weight of content words against function words; then the weights of exact, stem, synonym and
# paraphrase matches. Source: Denkowski and Lavie 2014, table of task-specific parameters, "rank" (the default).
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_MATCHES = np.array([1.0, 0.6, 0.8, 0.6])


@dataclasses.dataclass(frozen=True, eq=False)
class Meteor:
    """The statistics that METEOR is computed from, per image, so that any resampling of the images can be scored.

    Attributes:
      statistics: counts for each caption and its best reference, as the program gives them: the two lengths and
        numbers of function words; for each kind of match the matched content words (in caption and reference) and
        function words; the chunks, and the words matched in caption and reference.
    """

    statistics: Float[np.ndarray, "images 23"]

    @property
    def each(self) -> Float[np.ndarray, " images"]:
        """The score of each image alone."""
        return np.array([_score(row) for row in self.statistics])

    def score(self, weights: Float[np.ndarray, " images"] | None = None) -> float:
        """METEOR of the whole set, which is not the mean over the images; `weights`: how often each image counts."""
        weights = np.ones(len(self.statistics)) if weights is None else np.asarray(weights, np.float64)
        return _score(weights @ self.statistics)


def meteor(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    tokenizer: Tokenizer = our_tokens,
    seconds: float | None = None,
) -> Meteor:
    """METEOR of a set of captions: `meteor(...).score()`.

    Takes about ten seconds for a thousand captions with five references each, and ten to start.

    Args:
      candidates: one caption per image.
      references: the reference captions of each image, at least one.
      tokenizer: splits captions into words.
      seconds: the time limit of the program; None: five minutes plus half a second for each caption.

    Raises:
      ValueError: the numbers of candidates and references differ, or an image has no reference.
      MissingPartError: Java is not installed.
      JavaError: the program failed, or took too long.

    Reference:
      Denkowski and Lavie, Meteor Universal: Language Specific Translation Evaluation for Any Target Language, 2014.
      Version 1.5 as bundled with pycocoevalcap.
    """
    result, truth = tokenized("METEOR", candidates, references, tokenizer)
    seconds = 300 + 0.5 * len(result) if seconds is None else seconds
    with _program(seconds) as ask:
        lines = [
            ask(" ||| ".join(["SCORE", *map(_plain, texts), _plain(text)]))
            for text, texts in zip(result, truth, strict=True)
        ]
    return Meteor(np.array([[float(number) for number in line.split()] for line in lines]))


@contextlib.contextmanager
def _program(seconds: float):
    """Starts the program and gives a function that writes one line to it and returns the line that it answers."""
    jar = pathlib.Path(package.__file__).with_name(package.METEOR_JAR)
    command = [java(), "-Xmx2G", "-Dfile.encoding=UTF-8", "-jar", str(jar), "-", "-", "-stdio", "-l", "en", "-norm"]
    with (
        tempfile.TemporaryFile("w+", errors="replace") as complaints,
        # `Popen` waits for the process when the block ends, so the block kills it first.
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            encoding="utf-8",
            cwd=jar.parent,
        ) as process,
    ):
        limit = threading.Timer(seconds, process.kill)
        limit.start()

        def ask(line: str) -> str:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(line + "\n")
                process.stdin.flush()
            answer = process.stdout.readline().strip()
            if not answer:
                complaints.seek(0)
                raise JavaError(f"METEOR ended, or was stopped after {seconds:g} s: {last_line(complaints.read())}")
            return answer

        try:
            yield ask
        finally:
            limit.cancel()
            process.kill()
            process.wait()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()


def _plain(text: str) -> str:
    """The text without the separator of captions in the program's protocol."""
    return " ".join(text.replace("|||", " ").split())


def _score(statistics: Float[np.ndarray, "23"]) -> float:
    """The score of summed statistics, as the program's own `EVAL` computes it."""
    lengths, function_words = statistics[0:2], statistics[2:4]  # of caption and reference
    # For each kind of match: content words of both, then function words of both.
    by_kind = statistics[4:20].reshape(4, 2, 2)
    chunks, matched = statistics[20], statistics[21:23]
    weighted_lengths = _DELTA * (lengths - function_words) + (1 - _DELTA) * function_words
    weighted_matches = _MATCHES @ (_DELTA * by_kind[:, 0] + (1 - _DELTA) * by_kind[:, 1])
    if not (weighted_matches.all() and weighted_lengths.all()):
        return 0.0
    precision, recall = weighted_matches / weighted_lengths
    mean = 1 / ((1 - _ALPHA) / precision + _ALPHA / recall)
    # A caption that equals its reference has no penalty.
    in_order = chunks == 1 and (matched == lengths).all()
    disorder = 0.0 if in_order else chunks / matched.mean()
    return float(mean * (1 - _GAMMA * disorder**_BETA))
