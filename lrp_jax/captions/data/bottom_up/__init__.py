"""Bottom-up features: features and boxes of the regions that a detector found in an image.

P. Anderson et al., Bottom-Up and Top-Down Attention for Image Captioning and Visual Question Answering, CVPR 2018.
"""

from lrp_jax.captions.data.bottom_up.conversion import convert
from lrp_jax.captions.data.bottom_up.features import stored_features
from lrp_jax.captions.data.bottom_up.ids import Ids
from lrp_jax.captions.data.bottom_up.index import Index
from lrp_jax.captions.data.bottom_up.reading import BottomUp, read_bottom_up, read_sizes
from lrp_jax.captions.data.bottom_up.regions import Regions, shares
from lrp_jax.captions.data.bottom_up.store import RegionStore

__all__ = [
    "BottomUp",
    "Ids",
    "Index",
    "RegionStore",
    "Regions",
    "convert",
    "read_bottom_up",
    "read_sizes",
    "shares",
    "stored_features",
]
