"""Drawn scenes: a synthetic captioning dataset whose ground truth is known.

`dataset` returns captioned images; `Scenes.scene(i)` is the scene graph of one; `draw`, `labels`, `masks`, `captions`
and `counterfactual` are functions of that graph alone. docs/SCENES.md specifies the scenes.
"""

from lrp_jax.captions.scenes.captions import captions
from lrp_jax.captions.scenes.classes import WORD_CLASSES
from lrp_jax.captions.scenes.colours import COLOURS
from lrp_jax.captions.scenes.counterfactual import counterfactual
from lrp_jax.captions.scenes.dataset import SPLITS, Scenes, dataset
from lrp_jax.captions.scenes.frequencies import BACKGROUNDS, LANGUAGE_PARTNERS, RHO, VISUAL_PARTNERS
from lrp_jax.captions.scenes.kinds import GROUPS, KINDS, SYNONYMS
from lrp_jax.captions.scenes.paint import labels, masks
from lrp_jax.captions.scenes.styles import STYLES, draw
from lrp_jax.captions.scenes.words import COLOUR_WORDS, NUMBER_WORDS
from lrp_jax.captions.scenes.world import LIGHTS, RELATIONS, Entity, Object, Relation, Scene

__all__ = [
    "BACKGROUNDS",
    "COLOURS",
    "COLOUR_WORDS",
    "GROUPS",
    "KINDS",
    "LANGUAGE_PARTNERS",
    "LIGHTS",
    "NUMBER_WORDS",
    "RELATIONS",
    "RHO",
    "SPLITS",
    "STYLES",
    "SYNONYMS",
    "VISUAL_PARTNERS",
    "WORD_CLASSES",
    "Entity",
    "Object",
    "Relation",
    "Scene",
    "Scenes",
    "captions",
    "counterfactual",
    "dataset",
    "draw",
    "labels",
    "masks",
]
