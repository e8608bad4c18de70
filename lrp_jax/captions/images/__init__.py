"""An image with its captions and boxes, and the function that reads its pixels."""

from lrp_jax.captions.images.example import Dataset, Example
from lrp_jax.captions.images.reading import DECODING, FORMATS, load_image

__all__ = ["DECODING", "FORMATS", "Dataset", "Example", "load_image"]
