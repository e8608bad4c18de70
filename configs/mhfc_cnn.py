"""MH-FC-CNN of the paper: MH-FC with the features of VGG16, 14 x 14 x 512.

--config=configs/mhfc_cnn.py or configs/mhfc_cnn.py:coco2017, with
--config.source=PATH (docs/DATA.md) and --config.encoder_weights=vgg16 or a file
"""

from lrp_jax.captions.runs.configs import settings_of


def get_config(dataset="flickr30k"):
    config = settings_of(f"ada_cnn:{dataset}")
    config.captioner = "mhfc"
    config.mhfc.heads = 8  # n_h, section 5.1
    config.epochs = 50  # maximum; as in the published code
    return config
