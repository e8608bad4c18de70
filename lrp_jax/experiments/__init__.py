"""The paper's measurements, each a function from a trained model and a dataset to numbers."""

from lrp_jax.experiments.correctness import LocatedWord, locate_words

__all__ = ["LocatedWord", "locate_words"]
