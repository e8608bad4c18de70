"""Ada-LSTM-BU of the paper: Ada-LSTM with bottom-up features, 36 x 2048.

--config=configs/ada_bu.py or configs/ada_bu.py:coco2017, with
--config.source=PATH (docs/DATA.md) and --config.bottom_up=FOLDER of the converted features
"""

from lrp_jax.captions.runs.configs import settings_of


def get_config(dataset="flickr30k"):
    config = settings_of(f"ada_cnn:{dataset}")
    config.encoder = "bottom_up"
    config.hidden = 1024  # d of bottom-up features, section 5.1
    config.ada.attention = 36  # n_v: regions of an image
    return config
