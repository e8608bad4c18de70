"""The base class of experiments: rows from each image, and tables from all rows."""

import abc
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrp_jax.captions.data.domain import Domain
from lrp_jax.captions.experiments.case import Case
from lrp_jax.captions.images import Dataset

Row = Mapping[str, Any]
"""One measurement, column -> value: numbers, strings, None, or lists of them (JSON values)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Context:
    """The data that tables may need besides the rows.

    Attributes:
      dataset: the measured images.
      domain: the meaning of their words.
      training_captions: returns the captions of each training image, for word counts.
      references: returns the captions of each measured image, if that is cheaper than reading the dataset.
      rows_of: experiment name -> the rows of the matched baseline, for comparisons; None without a baseline.
    """

    dataset: Dataset
    domain: Domain
    training_captions: Callable[[], Sequence[Sequence[str]]]
    references: Callable[[], Sequence[Sequence[str]]] | None = None
    rows_of: Callable[[str], pd.DataFrame] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment(abc.ABC):
    """An experiment of section 5 of the paper: a frozen record of its settings.

    Class attributes:
      name: its name on the command line and in files.
      shows: its purpose, in one line.

    Attributes:
      images: number of images of the dataset to measure, from the first on; None for all.
      seed: of all random choices.
    """

    name: ClassVar[str]
    shows: ClassVar[str]

    images: int | None = None
    seed: int = 0

    @abc.abstractmethod
    def rows(self, case: Case) -> list[Row]:
        """Measures one image. The rows depend only on the case and the settings, so that images may be measured in
        any order and by any process."""

    @abc.abstractmethod
    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """The tables by name, from the rows of all images; each row also has the column `image`, the index."""

    def figure(self, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
        """The figure of the paper, if there is one."""
        del tables

    def pages(self, tables: Mapping[str, pd.DataFrame], context: Context) -> dict[str, str]:
        """Self-contained HTML pages by name, if the experiment has any."""
        del tables, context
        return {}

    def rng(self, case: Case) -> np.random.Generator:
        """The random generator of this experiment for one image."""
        return np.random.default_rng((self.seed, *self.name.encode(), case.index))
