"""Either captioner on about a thousand photographs, with features of SqueezeNet: takes minutes on a CPU.

--config=configs/photos.py:ada or configs/photos.py:mhfc for grid features, ada_bu or mhfc_bu for 36 regions, with
--config.source=json:CAPTIONS.json[,MORE.json] and --config.encoder_weights=SQUEEZENET.npz
"""

from lrp_jax.captions.runs.settings import paper_settings


def get_config(kind="ada"):
    captioner, _, regions = kind.partition("_")
    config = paper_settings()
    config.encoder = "squeezenet"
    config.regions = "fixed" if regions == "bu" else ""
    config.captioner = captioner
    config.min_count = 3
    config.lengths = (10, 13, 16, 22)
    config.hidden = 128
    config.embedding = 128
    config.ada.attention = 128
    if captioner == "mhfc":
        # The RMS of SqueezeNet's features is 10, and MH-FC passes its values to the word predictor through a gate only.
        config.feature_scale = 0.1
    config.learning_rate = 1e-3  # twice the paper's, because an epoch has 162 steps, not 18000
    config.epochs = 16  # few enough for a CPU; validation CIDEr was still rising a little
    return config
