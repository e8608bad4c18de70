"""Either captioner on a thousand photographs or so, with features of SqueezeNet: minutes on a CPU.

--config=configs/photos.py:ada or configs/photos.py:mhfc, with
--config.source=json:CAPTIONS.json[,MORE.json] and --config.encoder_weights=SQUEEZENET.npz
"""

from lrp_jax.training import paper_settings


def get_config(captioner="ada"):
    config = paper_settings()
    config.encoder = "squeezenet"
    config.image_size = 128  # 7 x 7 regions; 224 would give 13 x 13 at three times the cost of a step
    config.captioner = captioner
    config.min_count = 3
    config.lengths = (10, 13, 16, 22)
    config.hidden = 128
    config.embedding = 128
    config.ada.attention = 128
    config.batch_size = 64
    return config
