"""What an experiment is: rows from each image, and tables from all rows."""

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
"""One measurement by the names of its columns: numbers, strings, None, or lists of them, as JSON can hold them."""


@dataclasses.dataclass(frozen=True, eq=False)
class Context:
    """What tables may need besides the rows.

    Attributes:
      dataset: the images that were measured.
      domain: what their words mean.
      training_captions: gives the captions of each training image, for counts of words.
      references: gives the captions of each measured image, where that is cheaper than to ask the dataset.
      rows_of: experiment name -> the rows of the matched baseline, for comparisons; None without one.
    """

    dataset: Dataset
    domain: Domain
    training_captions: Callable[[], Sequence[Sequence[str]]]
    references: Callable[[], Sequence[Sequence[str]]] | None = None
    rows_of: Callable[[str], pd.DataFrame] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment(abc.ABC):
    """A measurement of section 5 of the paper: a frozen record of its settings.

    Class attributes:
      name: what it is called on the command line and in files.
      shows: what it shows, in one line.

    Attributes:
      images: how many images of the dataset are measured, from the first on; None for all.
      seed: of everything that is drawn.
    """

    name: ClassVar[str]
    shows: ClassVar[str]

    images: int | None = None
    seed: int = 0

    @abc.abstractmethod
    def rows(self, case: Case) -> list[Row]:
        """Measures one image. Depends on nothing but the case and the settings, so that images may be measured in
        any order and by any process."""

    @abc.abstractmethod
    def tables(self, rows: pd.DataFrame, context: Context) -> dict[str, pd.DataFrame]:
        """Name -> table, of the rows of all images; each row has besides its own columns `image`, the index."""

    def figure(self, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
        """The figure of the paper, where it has one."""
        del tables

    def pages(self, tables: Mapping[str, pd.DataFrame], context: Context) -> dict[str, str]:
        """Name -> a self-contained page of HTML, where there is something to look at."""
        del tables, context
        return {}

    def rng(self, case: Case) -> np.random.Generator:
        """The draws of this experiment for one image."""
        return np.random.default_rng((self.seed, *self.name.encode(), case.index))
