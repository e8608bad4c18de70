"""Self-critical training with CIDEr as the reward (Eq. 18), from a run trained with cross-entropy.

--config=configs/scst.py --config.init_from=RUN
"""

from lrp_jax.captions.runs.settings import paper_settings


def get_config():
    config = paper_settings()
    config.objective = "scst"
    config.learning_rate = 1e-4  # section 5.1
    return config
