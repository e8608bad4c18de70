"""LRP inference fine-tuning with cross-entropy for one epoch (Eq. 31), or one of the arms for comparison.

--config=configs/lrp_ift.py --config.init_from=RUN, or configs/lrp_ift.py:baseline for the same epoch without LRP
inference; the other arms are in `lrp_jax.captions.runs.arms.ARMS`.
"""

import dataclasses

from lrp_jax.captions.runs.arms import ARMS
from lrp_jax.captions.runs.settings import paper_settings


def get_config(arm="lrp"):
    config = paper_settings()
    config.objective = "lrp_ift"
    config.arm.update(dataclasses.asdict(ARMS[arm]))
    config.epochs = 1  # section 5.3.2
    config.learning_rate = 1e-4  # not given in the paper; that of SCST, section 5.1
    return config
