"""MH-FC-BU of the paper: MH-FC with bottom-up features, 36 x 2048.

--config=configs/mhfc_bu.py or configs/mhfc_bu.py:coco2017, with
--config.source=PATH (docs/DATA.md) and --config.bottom_up=FOLDER of the converted features
"""

from lrp_jax.captions.runs.configs import settings_of


def get_config(dataset="flickr30k"):
    config = settings_of(f"mhfc_cnn:{dataset}")
    config.encoder = "bottom_up"
    config.hidden = 1024  # d of bottom-up features, section 5.1
    return config
