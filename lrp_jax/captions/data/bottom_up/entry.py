"""An image of a source that has not been read yet."""

from collections.abc import Callable
from typing import NamedTuple

from lrp_jax.captions.data.bottom_up.regions import Regions


class Entry(NamedTuple):
    """An image in a source.

    Attributes:
        where: its line or file, for messages.
        load: reads the regions; raises ValueError or OSError if they are damaged.
    """

    where: str
    load: Callable[[], Regions]
