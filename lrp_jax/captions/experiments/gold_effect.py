"""The gold effect: on drawn scenes the true effect of each object and each preceding word on a word is measured."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from lrp_jax.captions import scenes
from lrp_jax.captions.experiments.bars import bars
from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.experiments.drawn_away import picture, scene_of
from lrp_jax.captions.experiments.estimates import columns_of, mean_of, paired
from lrp_jax.captions.experiments.experiment import Context, Experiment, Row
from lrp_jax.captions.metrics.ranks import spearman
from lrp_jax.captions.words.stop_words import STOP_WORDS

OBJECTS, WORDS = "objects", "words"  # the two kinds of evidence
AREA, NAMED, RECENCY = "mask area", "what the word names", "recency"
BASELINES = (AREA, NAMED, RECENCY)

_VARIANTS = ("rho", "rho_mean", "rho_positive")
_MOST_OBJECTS = 5  # maximum number of objects in a scene


@dataclasses.dataclass(frozen=True, kw_only=True)
class GoldEffect(Experiment):
    """Rank correlation of the relevance of objects and preceding words with their true effects.

    The effect of an object on a word is log p(word | image) - log p(word | image without the object), teacher-forced
    with the unchanged caption. The effect of a preceding word is the decrease of log p(word) when it is replaced by a
    word of the same class with another meaning, mean over several replacements. Both are signed, like relevance.

    Attributes:
      methods: the methods whose maps are compared.
      word_methods: the methods whose relevance of preceding words is compared. For Guided backpropagation and the
        Grad-CAMs this is that of the gradient; attention has none.
      least_objects, least_words: the minimum number of objects or words for a rank correlation.
      replacements: number of replacements of each preceding word, chosen by the seed; fewer if its class is small.
    """

    name = "gold_effect"
    shows = "whether methods rank objects and words by the effect that they have on the model (drawn scenes only)"

    methods: tuple[str, ...] = (
        "lrp",
        "gradient_x_input",
        "gradient",
        "guided_backprop",
        "grad_cam",
        "guided_grad_cam",
        "attention",
    )
    word_methods: tuple[str, ...] = ("lrp", "gradient_x_input", "gradient")
    least_objects: int = 3
    least_words: int = 5
    replacements: int = 3

    def __post_init__(self):
        if min(self.least_objects, self.least_words) < 2 or self.replacements < 1:
            raise ValueError(
                f"got least_objects={self.least_objects}, least_words={self.least_words} and "
                f"replacements={self.replacements}; wanted at least 2, 2 and 1"
            )

    def rows(self, case: Case) -> list[Row]:
        """One row per word, kind of evidence ("objects", "words") and method or baseline; none for images that were
        not drawn, and none for objects if the subject has no encoder.

        `rho` is Spearman's correlation of the relevance of the objects or words with their effects. The relevance of an
        object is the sum of the map (its channel mean) over the object's visible pixels; `rho_mean` uses the mean over
        them, `rho_positive` the sum of the map's positive part. A method that gives all the same relevance has rho 0.
        Baselines rank objects by `mask area` and, for names of objects in the image, by `what the word names`; words
        by `recency`. `effect_named` is the mean effect of the objects that the word names, or None, and `effect_other`
        that of the others.
        """
        scene = scene_of(case)
        if scene is None or not len(case.caption):
            return []
        rows = []
        mentions = {mention.position + len(mention.words) - 1: mention for mention in case.mentions}
        for of, at, effects, scores in (*self._objects(case, scene), *self._words(case)):
            word, mention = case.words[at], mentions.get(at)
            named = np.zeros(len(effects), bool)
            if of == OBJECTS and mention is not None:
                named = np.array([thing.kind == mention.category for thing in scene.objects])
                if named.any():
                    scores = scores | {NAMED: {"rho": named.astype(float)}}
            if np.ptp(effects) == 0:
                continue  # all effects are equal: no order
            about = {
                "place": at + 1,
                "word": word,
                "kind": "object" if mention else "stop" if word in STOP_WORDS else "other",
                "class": scenes.WORD_CLASSES.get(word, ""),
                "true": mention.category in case.present if mention else None,
                "of": of,
                "pieces": len(effects),
                "effect_named": float(effects[named].mean()) if named.any() else None,
                "effect_other": float(effects[~named].mean()) if not named.all() else None,
            }
            for method, found in scores.items():
                rho = {name: _rho(found[name], effects) if name in found else None for name in _VARIANTS}
                rows.append(about | {"method": method} | rho)
        return rows

    def _objects(self, case: Case, scene: scenes.Scene) -> Iterator[tuple]:
        """For each word: the effects of the objects, and the scores of the methods for them."""
        if case.pixels is None or len(scene.objects) < self.least_objects:
            return
        effects = object_effects(case, scene)
        masks = scenes.masks(scene, len(case.pixels)).astype(float)
        areas = masks.sum(axis=(1, 2))
        found = {}
        for method in self.methods:
            map_ = np.asarray(case.explanation(method).pixels, float).mean(axis=-1)
            inside, positive = (np.einsum("thw,nhw->tn", part, masks) for part in (map_, np.maximum(map_, 0)))
            found[method] = {"rho": inside, "rho_mean": inside / np.maximum(areas, 1), "rho_positive": positive}
        for at, effect in enumerate(effects):
            scores = {method: {name: of[at] for name, of in variants.items()} for method, variants in found.items()}
            yield OBJECTS, at, effect, scores | {AREA: {"rho": areas}}

    def _words(self, case: Case) -> Iterator[tuple]:
        """For each word: the effects of the words before it, and the scores of the methods for them."""
        effects = word_effects(case, self.replacements, self.rng(case))
        relevance = {method: case.explanation(method).words for method in self.word_methods}
        if missing := [method for method, found in relevance.items() if found is None]:
            raise ValueError(f"got word_methods with {missing[0]!r}, which has no relevance of words; leave it out")
        for at in range(len(case.caption)):
            before = np.flatnonzero(~np.isnan(effects[at, :at]))
            if len(before) >= self.least_words:
                # Column 0 of the relevance is that of the start token.
                scores = {method: {"rho": found[at, before + 1]} for method, found in relevance.items()}
                yield WORDS, at, effects[at, before], scores | {RECENCY: {"rho": before.astype(float)}}

    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """Means over words with 95 % intervals, for all words, names of objects (in the image or not), stop words and
        others.

        `gold_effect`: rho of each method. `gold_effect_differences`: the first method minus each other, paired by word.
        `gold_effect_sizes`: the decrease of log p(word) without the objects that the word names, and without others.
        """
        del context
        if rows.empty:
            note = pd.DataFrame([{"note": "no image was drawn from a scene with enough objects or words"}])
            return dict.fromkeys(("gold_effect", "gold_effect_differences", "gold_effect_sizes"), note)
        table, differences, sizes = [], [], []
        for of in (OBJECTS, WORDS):
            for kind, chosen in _by_kind(rows[rows["of"] == of]):
                about = {"of": of, "kind": kind}
                listed = dict.fromkeys((*self.methods, *self.word_methods, *BASELINES))
                present = [method for method in listed if (chosen["method"] == method).any()]
                for method in present:
                    found = chosen[chosen["method"] == method]
                    table.append(about | {"method": method, "words": len(found)} | _estimates(found, self.seed))
                for other in present[1:]:
                    pairs = paired(chosen, "rho", present[0], other, ["place"])
                    found = mean_of(pairs["difference"], pairs, self.seed)
                    differences.append(
                        about
                        | {"method": present[0], "minus": other, "words": len(pairs), "rho": found.value}
                        | columns_of(found, "rho_")
                    )
                once = chosen[chosen["method"] == present[0]]
                for what in ("named", "other"):
                    known = once[once[f"effect_{what}"].notna()]
                    if len(known):
                        found = mean_of(known[f"effect_{what}"], known, self.seed)
                        row = about | {"without": what, "words": len(known), "effect": found.value}
                        sizes.append(row | columns_of(found, "effect_"))
        return {
            "gold_effect": pd.DataFrame(table),
            "gold_effect_differences": pd.DataFrame(differences),
            "gold_effect_sizes": pd.DataFrame(sizes),
        }

    def figure(self, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
        """Rho of each method: for the effects of objects on their names, and of words on later words."""
        table = tables["gold_effect"]
        if "of" not in table:
            return None
        panels = [
            (table[(table["of"] == of) & (table["kind"] == kind)], value, label)
            for of, kind, value, label in (
                (OBJECTS, "object", "rho", "objects on object words,\nsigned maps"),
                (OBJECTS, "object", "rho_positive", "objects on object words,\npositive part of the maps"),
                (WORDS, "all", "rho", "preceding words\non all words"),
            )
        ]
        panels = [(part[part[value].notna()], value, label) for part, value, label in panels if value in part]
        panels = [panel for panel in panels if len(panel[0])]
        if not panels:
            return None
        figure = Figure(figsize=(4.2 * len(panels), 3.2), layout="constrained")
        listed = tuple(dict.fromkeys((*self.methods, *self.word_methods, *BASELINES)))
        for axes, (part, value, label) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            bars(axes, part, value, (f"{value}_low", f"{value}_high"), listed, "Spearman's ρ with the effect")
            axes.set_title(f"Effect of {label}", fontsize=10)
        return figure


def object_effects(case: Case, scene: scenes.Scene) -> Float[np.ndarray, "T n"]:
    """The decrease of log p of each word of the caption without each object of the scene."""
    without = [picture(case, scenes.counterfactual(scene, drop=i)) for i in range(len(scene.objects))]
    # The original image is encoded again in the same batch, so that both are computed in the same way.
    features = case.speaker.encode(np.stack([case.pixels, *without]), batch_size=_MOST_OBJECTS + 1)
    places = np.arange(len(case.caption))
    log_p = np.stack(
        [
            case.speaker.log_probabilities(seen, [case.caption], batch_size=1)[0][places, case.caption]
            for seen in features
        ]
    ).astype(float)
    return (log_p[0] - log_p[1:]).T


def word_effects(case: Case, replacements: int, rng: np.random.Generator) -> Float[np.ndarray, "T T"]:
    """The decrease of log p of word t of the caption when word j is replaced by another word of its class.

    Args:
      case: of a captioner whose words are those of the scenes' grammar.
      replacements: the maximum number of replacements, whose effects are averaged.
      rng: chooses them.

    Returns:
      [t, j]; nan where j is not before t, and where the class of word j has no other word.
    """
    count, places = len(case.caption), np.arange(len(case.caption))
    changed, of = [np.asarray(case.caption)], []
    for j in range(count - 1):
        others = _others(case.words[j], case.speaker.words.words)
        for other in rng.choice(others, min(replacements, len(others)), replace=False) if others else ():
            changed.append(np.array([*case.caption[:j], other, *case.caption[j + 1 :]]))
            of.append(j)
    log_p = np.stack(
        [found[places, case.caption] for found in case.speaker.log_probabilities(case.features, changed, batch_size=32)]
    ).astype(float)
    effects = np.full((count, count), np.nan)
    for j in set(of):
        lost = (log_p[0] - log_p[1:][np.array(of) == j]).mean(axis=0)
        effects[j + 1 :, j] = lost[j + 1 :]
    return effects


def _others(word: str, vocabulary: Sequence[str]) -> list[int]:
    """The ids of the words of the same class with another meaning, that is without synonyms."""
    of_class = scenes.WORD_CLASSES.get(word)
    return [
        token
        for token, other in enumerate(vocabulary)
        if of_class is not None and scenes.WORD_CLASSES.get(other) == of_class and _meaning(other) != _meaning(word)
    ]


def _meaning(word: str) -> str:
    return scenes.SYNONYMS.get(word) or scenes.COLOUR_WORDS.get(word) or word


def _rho(scores: np.ndarray, effects: np.ndarray) -> float:
    return 0.0 if np.ptp(scores) == 0 else spearman(scores, effects)


def _by_kind(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    # Read from a CSV file, `true` is a string or a number, and missing for words that name nothing.
    true = rows["true"].astype(str).str.lower()
    for kind, chosen in (
        ("all", rows),
        ("object", rows[rows["kind"] == "object"]),
        ("true", rows[true.isin(("true", "1.0"))]),
        ("false", rows[true.isin(("false", "0.0"))]),
        ("stop", rows[rows["kind"] == "stop"]),
        ("other", rows[rows["kind"] == "other"]),
    ):
        if len(chosen):
            yield kind, chosen


def _estimates(rows: pd.DataFrame, seed: int) -> dict[str, float]:
    row = {}
    for name in _VARIANTS:
        if rows[name].notna().any():
            found = mean_of(rows[name].astype(float), rows, seed)
            row |= {name: found.value} | columns_of(found, f"{name}_")
    return row
