"""An image with its captions and boxes, and the function that reads its pixels."""

from lrp_jax.captions.images.example import Dataset, Example
from lrp_jax.captions.images.reading import DECODING, FORMATS, load_image
from lrp_jax.captions.images.turned import boxes_as_seen, filed_example, upright_boxes

__all__ = [
    "DECODING",
    "FORMATS",
    "Dataset",
    "Example",
    "boxes_as_seen",
    "filed_example",
    "load_image",
    "upright_boxes",
]
