"""Agreement of captions with references, by the metrics of Tables 1 and 4."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd

from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.experiments.experiment import Context, Experiment, Row
from lrp_jax.captions.experiments.resampled import estimates
from lrp_jax.captions.experiments.saying import by_start, cider_of, cut, has_references, references
from lrp_jax.captions.metrics.bert_score import f_bert
from lrp_jax.captions.metrics.captions import Tokenizer, as_given, bleu, our_tokens, rouge_l
from lrp_jax.captions.metrics.java import JavaError, MissingPartError
from lrp_jax.captions.metrics.meteor import meteor
from lrp_jax.captions.metrics.ptb import ptb_tokens
from lrp_jax.captions.metrics.spice import spice
from lrp_jax.captions.words import UNK, words_of

RAW, KNOWN = "raw", "known words"
BLEUS = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4")
_BEYOND_PYTHON = ("METEOR", "SPICE", "F_BERT")
MEASURES = (*BLEUS, "ROUGE-L", "METEOR", "CIDEr", "SPICE", "F_BERT")
_TOKENIZERS: dict[str, Tokenizer] = {"ours": our_tokens, "ptb": ptb_tokens}

_Statistic = Callable[[np.ndarray], float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Captions(Experiment):
    """BLEU, ROUGE-L, METEOR, CIDEr, SPICE and F_BERT against the unchanged references.

    In addition BLEU, ROUGE-L and CIDEr against references without the words that are not in the captioner's vocabulary,
    as the published code evaluates validation captions.

    Attributes:
      measures: the metrics to compute, if their dependencies are installed.
      tokenizer: "ours", or "ptb" for Stanford's, which needs Java.
      bert_model: folder of roberta-large; None: the one in Hugging Face's cache.
    """

    name = "captions"
    shows = "how well captions agree with references: BLEU, ROUGE-L, METEOR, CIDEr, SPICE, F_BERT (Tables 1 and 4)"

    measures: tuple[str, ...] = MEASURES
    tokenizer: str = "ours"
    bert_model: str | None = None

    def __post_init__(self):
        wrong = [name for name in self.measures if name not in MEASURES]
        if wrong or self.tokenizer not in _TOKENIZERS:
            wanted = f"measures out of {', '.join(MEASURES)} and a tokenizer out of {', '.join(_TOKENIZERS)}"
            raise ValueError(f"got {wrong[0] if wrong else self.tokenizer!r}, wanted {wanted}")

    def rows(self, case: Case) -> list[Row]:
        """One row: the caption, and the words of its references that are not in the captioner's vocabulary."""
        known = case.speaker.words.encode
        words = {word for text in case.example.captions for word in words_of(text)}
        return [{"caption": " ".join(case.words), "unknown": " ".join(sorted(w for w in words if known(w) == [UNK]))}]

    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """`captions`: the metrics with their 95 % intervals, 1 for 100 % (CIDEr up to 10).

        `missing`, if there are any: the metrics that could not be computed, and what to install.
        """
        if not rows.empty:
            rows = rows[has_references(rows, context)].reset_index(drop=True)
        if rows.empty:
            return {"missing": pd.DataFrame([{"measure": "all", "wanted": "images with reference captions"}])}
        unknown = frozenset(word for words in rows["unknown"].unique() for word in words.split())
        table, missing = [], []
        for against, without in ((RAW, frozenset()), (KNOWN, unknown)):
            found = {}
            for measure in self.measures:
                if measure in found or (against == KNOWN and measure in _BEYOND_PYTHON):
                    continue
                try:
                    found |= self._statistics(measure, rows, context, without)
                except (MissingPartError, JavaError) as error:
                    missing.append({"measure": measure, "references": against, "wanted": str(error)})
            found = {measure: found[measure] for measure in self.measures if measure in found}
            if not found:
                continue
            results = estimates(lambda weights, found=found: [f(weights) for f in found.values()], rows, self.seed)
            table += [
                {"measure": measure, "references": against, "value": result.value, "low": result.low}
                | {"high": result.high, "captions": len(rows)}
                for measure, result in zip(found, results, strict=True)
            ]
        tables = {"captions": pd.DataFrame(table)} if table else {}
        return tables | ({"missing": pd.DataFrame(missing)} if missing else {})

    def _statistics(
        self, measure: str, rows: pd.DataFrame, context: Context, without: frozenset[str]
    ) -> dict[str, _Statistic]:
        """Metric -> a function from the weights of the rows to its value; BLEU-1 to BLEU-4 together."""
        tokenizer = _TOKENIZERS[self.tokenizer]
        if measure == "CIDEr":
            return {measure: _mean(cider_of(rows, context, tokenizer, without))}
        said, truth = self._words(rows, context, without)
        if measure in BLEUS:
            counted = bleu(said, truth, as_given)
            return {
                name: lambda weights, place=place: counted.scores(weights)[place] for place, name in enumerate(BLEUS)
            }
        if measure == "ROUGE-L":
            return {measure: _mean(rouge_l(said, truth, as_given)[1])}
        if measure == "METEOR":
            return {measure: meteor(said, truth, as_given).score}
        if measure == "SPICE":
            return {measure: _mean(spice(said, truth, as_given)[1])}
        # The idf weights depend on all references, so each start is scored with its own references.
        scores = np.zeros(len(rows))
        for _, of_start in by_start(rows):
            places = of_start.index.to_numpy()
            chosen = [said[place] for place in places], [truth[place] for place in places]
            scores[places] = f_bert(*chosen, as_given, self.bert_model)[1]
        return {measure: _mean(scores)}

    def _words(
        self, rows: pd.DataFrame, context: Context, without: frozenset[str]
    ) -> tuple[list[str], list[list[str]]]:
        """The captions of the rows and their references as tokens."""
        truth = [[cut(text, without) for text in references(context)[image]] for image in rows["image"]]
        tokens = iter(_TOKENIZERS[self.tokenizer]([*rows["caption"], *(text for texts in truth for text in texts)]))
        return [next(tokens) for _ in range(len(rows))], [[next(tokens) for _ in texts] for texts in truth]


def _mean(values: np.ndarray) -> _Statistic:
    return lambda weights: float(weights @ values / weights.sum())
