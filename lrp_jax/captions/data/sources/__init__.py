"""Sources of captioned images: one string in a config names the data.

Each kind of source has a module that reads its format into entries; `gather` checks them all in the same way.
"""

from lrp_jax.captions.data.sources.by_name import source
from lrp_jax.captions.data.sources.json_file import json_source
from lrp_jax.captions.data.sources.splits import Splits

__all__ = ["Splits", "json_source", "source"]
