"""An arm of the study's fine-tuning, docs/STUDY.md: one epoch from a start.

--config=configs/study/lrp_ift.py:START-ARM --config.init_from=RUN, for example :ada_scenes-lrp, :mhfc_scenes-baseline,
or :photos.ada-lrp for a start of configs/photos.py:ada
"""

import importlib

from configs import lrp_ift


def get_config(kind="ada_scenes-lrp"):
    name, _, arm = kind.partition("-")
    module, *argument = name.split(".")
    start = importlib.import_module(f"configs.{module}").get_config(*argument)
    config = lrp_ift.get_config(arm)
    config.batch_size = start.batch_size
    # A fifth of the start's, as the paper's 1e-4 is of its 5e-4; the same for all arms.
    config.learning_rate = start.learning_rate / 5
    config.schedule = "linear"  # what a last step does by chance should not be taken for what an arm does
    return config
