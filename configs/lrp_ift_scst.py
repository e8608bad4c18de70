"""LRP inference fine-tuning with SCST for one epoch: both captions come from the re-weighted distribution (Eq. 32).

--config=configs/lrp_ift_scst.py --config.init_from=RUN, or configs/lrp_ift_scst.py:baseline for the same epoch of plain
SCST.
"""

from lrp_jax.captions.runs.configs import settings_of


def get_config(arm="lrp"):
    config = settings_of("scst")
    config.scst.reweighted = arm == "lrp"
    config.arm.ce_share = 0.0  # only p-hat
    config.epochs = 1  # section 5.3.2
    return config
