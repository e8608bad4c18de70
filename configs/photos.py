"""Either captioner on a thousand photographs or so, with features of SqueezeNet: minutes on a CPU.

--config=configs/photos.py:ada or configs/photos.py:mhfc for a grid of features, ada_bu or mhfc_bu for 36 regions, with
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
        # The RMS of SqueezeNet's features is 10. Nothing but a sigmoid stands between MH-FC's values and the words.
        config.feature_scale = 0.1
    config.learning_rate = 1e-3  # twice the paper's: there are 162 steps in an epoch, not 18000
    config.epochs = 16  # few enough for a CPU; validation CIDEr was still rising a little
    return config
