"""Ada-LSTM-CNN of the paper: Ada-LSTM with the features of VGG16, 14 x 14 x 512.

--config=configs/ada_cnn.py or configs/ada_cnn.py:coco2017, with
--config.source=PATH (docs/DATA.md) and --config.encoder_weights=vgg16 or a file
"""

from lrp_jax.captions.runs.settings import paper_settings


def get_config(dataset="flickr30k"):
    config = paper_settings()
    config.encoder = "vgg16"  # up to block5_conv3, section 5.1
    config.captioner = "ada"
    config.hidden = 512  # d of CNN features, section 5.1
    config.ada.attention = 196  # n_v: 14 x 14
    config.min_count = {"flickr30k": 3, "coco2017": 4}[dataset]  # section 5.1
    return config
