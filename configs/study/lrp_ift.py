"""An arm of fine-tuning of the study, docs/STUDY.md: one epoch from a start.

--config=configs/study/lrp_ift.py:START-ARM --config.init_from=RUN, for example :ada_scenes-lrp, :mhfc_scenes-baseline,
or :photos.ada-lrp for a start of configs/photos.py:ada
"""

from lrp_jax.captions.runs.configs import settings_of


def get_config(kind="ada_scenes-lrp"):
    name, _, arm = kind.partition("-")
    start = settings_of(name.replace(".", ":"))
    config = settings_of(f"lrp_ift:{arm}")
    config.batch_size = start.batch_size
    # A fifth of the start's rate, like the paper's 1e-4 and 5e-4; the same for all arms.
    config.learning_rate = start.learning_rate / 5
    config.schedule = "linear"  # random effects of the last steps should not be taken for effects of an arm
    return config
