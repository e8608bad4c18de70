"""Cross-entropy training that also trains the encoder, from a run with a frozen encoder.

--config=configs/fine_tune_encoder.py --config.init_from=RUN
"""

from lrp_jax.captions.runs.settings import paper_settings


def get_config():
    config = paper_settings()
    config.learning_rate = 1e-4
    config.encoder_learning_rate = 1e-4  # section 5.1
    return config
