"""An arm of the study's fine-tuning on drawn scenes, docs/STUDY.md: one epoch from a start.

--config=configs/study/lrp_ift_scenes.py:CAPTIONER-ARM --config.init_from=START, for example :ada-lrp or :mhfc-baseline
"""

import importlib

from configs import lrp_ift


def get_config(kind="ada-lrp"):
    captioner, _, arm = kind.partition("-")
    start = importlib.import_module(f"configs.{captioner}_scenes").get_config()
    config = lrp_ift.get_config(arm)
    config.batch_size = start.batch_size
    # A fifth of the start's, as the paper's 1e-4 is of its 5e-4; the same for all arms.
    config.learning_rate = start.learning_rate / 5
    return config
