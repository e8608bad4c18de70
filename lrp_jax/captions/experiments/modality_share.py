"""The shares of the image and of the preceding words in the relevance of a word."""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from lrp_jax.captions import explain, scenes
from lrp_jax.captions.experiments.bars import NAMES, colour_of
from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.experiments.estimates import columns_of, mean_of
from lrp_jax.captions.experiments.experiment import Context, Experiment, Row
from lrp_jax.captions.experiments.mean_colour import mean_colour
from lrp_jax.captions.metrics.ranks import spearman
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.scenes.words import FORWARD
from lrp_jax.captions.words import UNK
from lrp_jax.captions.words.objects import Mention
from lrp_jax.captions.words.stop_words import STOP_WORDS

CLASSES = ("object", "stop", "other")

EFFECTS = {
    "image": "what blanking the image takes",
    "start_only": "what deleting the words before takes",
    "unknown_words": "what <unk> in place of the words before takes",
}
"""Columns of the rows, with the prefix `without_`: log p of the word when a part of the input is removed."""

# Maximum number of words between a phrase and the object that it predicts: "holding a small red kite".
_BETWEEN = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModalityShare(Experiment):
    """Sum |R| over the regions of the image as a share of the sum over regions and words.

    Relevance is first summed over the channels of a region and over the embedding of a word, so that whole regions and
    words are compared. The start token counts as a word.

    Attributes:
      methods: methods with relevance for both.
      least_words: minimum length of a caption for the correlation of shares and effects.
    """

    name = "modality_share"
    shows = "how much of a word's relevance is in the image, and in the words before it"

    methods: tuple[str, ...] = ("lrp", "gradient_x_input")
    least_words: int = 5

    def rows(self, case: Case) -> list[Row]:
        """One row per word and method.

        `kind`: one of `CLASSES`; `true`: for mentions, whether the object is in the image; `planted`: for mentions on
        drawn scenes, whether a planted bias predicts the object from the background ("V") or from the phrase before it
        ("L"), else "". `size_...`: sum |R| over the regions of the image, over all words before including the start
        token, and of the start token alone. `log_p`, and `without_...`, see `EFFECTS`.
        """
        if not len(case.caption):
            return []
        mentions = {at: mention for mention in case.mentions for at in _places(mention)}
        log_p = {"log_p": case.log_p} | _without(case)
        rows = []
        for method in self.methods:
            image, words = _sizes(case, method)
            for at, word in enumerate(case.words):
                mention = mentions.get(at)
                rows.append(
                    {
                        "place": at + 1,
                        "word": word,
                        "kind": "object" if mention else "stop" if word in STOP_WORDS else "other",
                        "true": None if mention is None else mention.category in case.present,
                        "planted": None if mention is None or case.scene is None else planted(case, mention),
                        "method": method,
                        "size_image": float(image[at].sum()),
                        "size_words": float(words[at].sum()),
                        "size_start": float(words[at, 0]),
                    }
                    | {name: float(values[at]) for name, values in log_p.items()}
                )
        return rows

    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """`modality_share`: the mean share of the image with its 95 % interval, by class of words, by truth and planted
        bias of mentions; and the effect on log p of removing image or words. `modality_share_check`: the mean over
        captions of Spearman's correlation of share and effect within a caption."""
        del context
        if rows.empty:
            return {"modality_share": pd.DataFrame([{"note": "there are no captions"}])}
        rows = rows.reset_index(drop=True)
        rows = rows.assign(share=rows["size_image"] / (rows["size_image"] + rows["size_words"]))
        for name in EFFECTS:
            rows[f"effect_{name}"] = rows["log_p"] - rows[f"without_{name}"].astype(float)
        rows["effect_difference"] = rows["effect_image"] - rows["effect_unknown_words"]
        return {"modality_share": self._shares(rows), "modality_share_check": self._checks(rows)}

    def _shares(self, rows: pd.DataFrame) -> pd.DataFrame:
        table = []
        for method in self.methods:
            for name, chosen in _groups(rows[rows["method"] == method]):
                known = chosen[chosen["share"].notna()]
                if known.empty:
                    continue
                found = mean_of(known["share"], known, self.seed)
                row = {"method": method, "words": name, "count": len(known), "share": found.value} | columns_of(found)
                for effect in EFFECTS:
                    effects = known[known[f"effect_{effect}"].notna()]
                    row[f"without {effect.replace('_', ' ')}"] = effects[f"effect_{effect}"].mean()
                table.append(row)
        return pd.DataFrame(table)

    def _checks(self, rows: pd.DataFrame) -> pd.DataFrame:
        effects = {f"effect_{name}": text for name, text in EFFECTS.items()}
        effects["effect_difference"] = "what blanking the image takes more than <unk> does"
        keys = [column for column in ("start", "image") if column in rows]
        table = []
        for method in self.methods:
            captions = rows[rows["method"] == method].groupby(keys)
            found = []
            for key, words in captions:
                words = words[words["share"].notna()]
                if len(words) >= self.least_words:
                    rho = {name: spearman(words["share"], words[name]) for name in effects}
                    found.append(dict(zip(keys, key, strict=True)) | rho)
            found = pd.DataFrame(found)
            for name, text in effects.items():
                known = found[found[name].notna()] if len(found) else found
                if len(known):
                    mean = mean_of(known[name], known, self.seed)
                    row = {"method": method, "share of the image and": text, "captions": len(known)}
                    table.append(row | {"spearman": mean.value} | columns_of(mean))
        return pd.DataFrame(table)

    def figure(self, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
        """The share of the image by class of words, by truth and by planted bias."""
        table = tables["modality_share"]
        if "share" not in table:
            return None
        figure = Figure(figsize=(6, 3.6), layout="constrained")
        axes = figure.subplots()
        names = list(dict.fromkeys(table["words"]))
        for number, method in enumerate(self.methods):
            rows = table[table["method"] == method].set_index("words").reindex(names)
            ends = np.nan_to_num([rows["share"] - rows["low"], rows["high"] - rows["share"]])
            places = np.arange(len(names)) + 0.15 * (number - (len(self.methods) - 1) / 2)
            style = {"fmt": "osD^v"[number % 5], "capsize": 3, "color": colour_of(method)}
            axes.errorbar(rows["share"], places, xerr=np.maximum(ends, 0), label=NAMES.get(method, method), **style)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlabel("share of |R| in the image")
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(frameon=False, fontsize="small", loc="outside upper right", ncols=len(self.methods))
        return figure


def planted(case: Case, mention: Mention) -> str:
    """The planted bias that predicts a mention on a drawn scene.

    Returns:
      "V" if it is the partner of the scene's background, "L" if the caption has the phrase of which it is the partner
      directly before it (with only an article, numbers and adjectives between), else "". No kind is a partner of both.
    """
    if scenes.VISUAL_PARTNERS.get(case.scene.background) == mention.category:
        return "V"
    named = {at for other in case.mentions for at in _places(other)}
    phrases = [
        tuple(phrase.split())
        for relation, kind in scenes.LANGUAGE_PARTNERS.items()
        if kind == mention.category
        for phrase in FORWARD[relation]
    ]
    for end in range(mention.position, max(0, mention.position - _BETWEEN) - 1, -1):
        if any(case.words[max(0, end - len(phrase)) : end] == phrase for phrase in phrases):
            return "L"
        if end - 1 in named:  # earlier words belong to another object
            break
    return ""


def _places(mention: Mention) -> range:
    return range(mention.position, mention.position + len(mention.words))


def _sizes(case: Case, method: str) -> tuple[Float[np.ndarray, "T n_v"], Float[np.ndarray, "T T"]]:
    """|R| of each region and of each preceding word."""
    speaker = case.speaker
    tokens = speaker.padded(case.caption, speaker.max_length)
    found = explain.explain_features(speaker.captioner, speaker.params, case.features, tokens, method)
    found = found.first(len(case.caption))
    if found.words is None:
        raise ValueError(f"got methods with {method!r}, which says nothing of words; wanted such as lrp")
    return np.abs(found.regions), np.abs(found.words)


def _without(case: Case) -> dict[str, Float[np.ndarray, " T"]]:
    """log p of each word with a part of the input removed, by the columns of `EFFECTS`."""
    speaker, caption = case.speaker, case.caption
    words = np.arange(len(caption)), caption
    (blank,) = speaker.log_probabilities(_blank(speaker, case), [caption])
    (unknown,) = speaker.log_probabilities(case.features, [np.full(len(caption), UNK)])
    return {
        "without_image": blank[words],
        "without_start_only": case.distributions[0, caption],
        "without_unknown_words": unknown[words],
    }


def _blank(speaker: Speaker, case: Case) -> Float[np.ndarray, "n_v C"]:
    """The features of an image of the mean colour; zeros if the speaker has no encoder."""
    if case.pixels is None:
        return np.zeros_like(case.features)
    return _features_of_mean_colour(speaker, case.pixels.shape)


@functools.lru_cache(maxsize=4)
def _features_of_mean_colour(speaker: Speaker, shape: Sequence[int]) -> Float[np.ndarray, "n_v C"]:
    return speaker.encode(np.broadcast_to(np.rint(255 * np.array(mean_colour(speaker))).astype(np.uint8), shape))


def _groups(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "all", rows
    for kind in CLASSES:
        yield kind, rows[rows["kind"] == kind]
    known = rows[rows["true"].notna()]
    true = known["true"].astype(bool)
    yield "true mentions", known[true]
    yield "false mentions", known[~true]
    known = known[known["planted"].notna()]
    names = {"V": "called for by the background", "L": "called for by the phrase before", "": "called for by neither"}
    for bias, name in names.items():
        for truth, word in ((True, "true"), (False, "false")):
            chosen = known[(known["planted"] == bias) & (known["true"].astype(bool) == truth)]
            yield f"{word} mentions {name}", chosen
