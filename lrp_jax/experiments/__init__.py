"""The paper's measurements, each a function from a trained model and a dataset to a table."""

from lrp_jax.experiments.correctness import NamedObject, Summary, correctness_of_words, summarise

__all__ = ["NamedObject", "Summary", "correctness_of_words", "summarise"]
