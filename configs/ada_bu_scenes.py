"""Bottom-up Ada-LSTM on drawn scenes: 36 boxes of several scales instead of the grid."""

from lrp_jax.captions.runs.configs import settings_of


def get_config(bias="strong"):
    config = settings_of(f"ada_scenes:{bias}")
    config.regions = "fixed"
    config.ada.attention = 36  # n_v
    return config
