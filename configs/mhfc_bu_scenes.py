"""Bottom-up MH-FC on drawn scenes: 36 boxes of several scales in place of the grid."""

from configs import mhfc_scenes


def get_config(bias="strong"):
    config = mhfc_scenes.get_config(bias)
    config.regions = "fixed"
    return config
