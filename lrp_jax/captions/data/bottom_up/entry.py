"""One image of a source that is not read yet."""

from collections.abc import Callable
from typing import NamedTuple

from lrp_jax.captions.data.bottom_up.regions import Regions


class Entry(NamedTuple):
    """A place in a source.

    Attributes:
        where: the line or the file, for messages.
        load: reads the regions; ValueError or OSError where they are damaged.
    """

    where: str
    load: Callable[[], Regions]
