"""Bottom-up Ada-LSTM on drawn scenes: 36 boxes of several scales in place of the grid."""

from configs import ada_scenes


def get_config():
    config = ada_scenes.get_config()
    config.regions = "fixed"
    return config
