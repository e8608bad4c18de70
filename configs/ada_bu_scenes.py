"""Bottom-up Ada-LSTM on drawn scenes: 36 boxes of several scales in place of the grid."""

from configs import ada_scenes


def get_config(bias="strong"):
    config = ada_scenes.get_config(bias)
    config.regions = "fixed"
    config.ada.attention = 36  # n_v
    return config
