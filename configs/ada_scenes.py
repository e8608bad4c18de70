"""Ada-LSTM on drawn scenes with strong planted biases."""

from lrp_jax.training import paper_settings


def get_config():
    config = paper_settings()
    config.source = "scenes:strong"
    config.encoder = "scenes"
    config.captioner = "ada"
    config.min_count = 3
    config.lengths = (12, 15, 18)  # 9 to 16 words and <end>
    # 40 kinds of objects and a few hundred words need no 512 dimensions.
    config.hidden = 128
    config.embedding = 128
    config.ada.attention = 128
    config.batch_size = 64
    return config
