"""Bottom-up MH-FC on drawn scenes: 36 boxes of several scales in place of the grid."""

from configs import ada_bu_scenes


def get_config():
    config = ada_bu_scenes.get_config()
    config.captioner = "mhfc"
    return config
