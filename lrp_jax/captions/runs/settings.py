"""The default settings of a run: the paper's where it gives them, otherwise with the source of the value."""

import dataclasses

import ml_collections

from lrp_jax.captions.runs.arms import Arm


class SettingsError(ValueError):
    """A setting has an invalid value; the message names the setting and the wanted value."""


def paper_settings() -> ml_collections.ConfigDict:
    """The default settings of all runs; a config overrides some of them.

    "published" marks values that are only in the authors' code:
    https://github.com/SunJiamei/LRP-imagecaptioning-pytorch
    """
    config = ml_collections.ConfigDict()
    config.seed = 0

    # Data. A source is a path, "KIND:PATH" or "scenes:BIAS", see docs/DATA.md.
    config.source = ""
    config.min_count = 3  # rarer words are <unk>; section 5.1 has 3 for Flickr30K, 4 for MSCOCO2017
    config.lengths = (10, 15, 20, 25)  # padded lengths of captions, <end> included; longer ones are cut to the last
    config.features_folder = ""  # the cache of encoded images between runs; "": in memory only
    config.features_dtype = "float16"  # of the features in the cache; or "float32"
    config.bad_images = "stop"  # if an image cannot be read; "skip": all such images are logged and left out

    # Encoder, frozen.
    # "scenes", "squeezenet", "vgg16", "resnet" (the weights of the latter three are a file), or "bottom_up" for
    # features that were computed elsewhere.
    config.encoder = ""
    config.encoder_weights = ""
    config.regions = ""  # "": the cells of the encoder's grid; "fixed": 36 boxes of several scales
    config.bottom_up = ""  # folder of the features of encoder "bottom_up", see `lrp_jax.captions.data.bottom_up`
    config.image_size = 224  # side in pixels, the aspect ratio is not kept; published

    # Captioner, section 3.2 and "Decoder and predictor" of section 5.1.
    config.captioner = "ada"  # "ada" (Ada-LSTM) or "mhfc" (MH-FC)
    config.hidden = 512
    config.embedding = 512
    config.feature_scale = 1.0  # a factor on the features; 1 / RMS if they are large
    config.ada = ml_collections.ConfigDict()
    config.ada.attention = 196  # the paper's n_v: W_I maps to as many dimensions as there are regions
    config.ada.global_feature = "mean"  # I_g is the mean of I, section 3.1
    config.ada.dropout = 0.5  # published
    config.mhfc = ml_collections.ConfigDict()
    config.mhfc.heads = 8
    config.mhfc.dropout = 0.3  # published

    # Stage. "cross_entropy" (Eq. 17), "scst" (Eq. 18, or 32), or "lrp_ift" (Eq. 31).
    config.objective = "cross_entropy"
    config.init_from = ""  # the folder of a run, whose data, model and best parameters this run starts from
    config.own_words = 0.0  # scheduled sampling: the fraction of input words that come from the model
    config.encoder_learning_rate = 0.0  # above 0 the encoder is trained too; section 5.1 has 1e-4
    # If the encoder is trained:
    config.jitter = 0.2  # of brightness and contrast; published, without flips or other changes of colour
    config.flip = 0.0  # the fraction of images that are flipped, except those whose caption has left or right
    config.scst = ml_collections.ConfigDict()
    config.scst.baseline = "greedy"  # or "leave_one_out"
    config.scst.samples = 1  # captions sampled for each image
    config.scst.mean_over = "words"  # or "captions"; published: words
    config.scst.reweighted = False  # both captions from the re-weighted distribution of `arm`, Eq. 32
    config.arm = ml_collections.ConfigDict(dataclasses.asdict(Arm()))  # of LRP inference, see `Arm`

    # Training, "Training details" of section 5.1.
    config.batch_size = 32  # published
    config.epochs = 30  # at most; published, for the CNN features
    config.learning_rate = 5e-4
    config.b1 = 0.8
    config.b2 = 0.999
    config.clip = 0.1  # of each element of the gradient; published
    config.schedule = "plateau"  # the paper's, with the next four settings; "linear": falls linearly to 0 at the end
    config.anneal_factor = 0.8  # "by 20 %"
    config.anneal_after = 3  # epochs without a better validation CIDEr; published: 2
    config.least_learning_rate = 2e-5  # published
    config.stop_after = 6  # epochs without a better validation CIDEr

    # Validation decodes greedily, which ranks the epochs equally well; the published code uses beam 3.
    config.beam = 3  # of the test captions, as in the paper's tables; 1 is greedy
    config.evaluation_batch_size = 128

    # Machine.
    config.accumulate = 1  # the number of parts that a batch is computed in, if it does not fit into memory
    config.compute_dtype = "float32"  # or "bfloat16": state and losses are still float32
    config.loader_threads = 0  # threads that read batches ahead; 0: one for each core

    # What a run writes.
    config.log_every = 50  # steps
    config.keep = 1  # the number of last checkpoints to keep, in addition to the best
    config.checkpoint_every = 0  # steps between checkpoints within an epoch; 0: at the end of epochs only
    return config


EARLIER = {
    "feature_scale": 1.0,
    "features_dtype": "float32",
    "bad_images": "skip",
    "flip": 0.0,
    "loader_threads": 1,
    "schedule": "plateau",
}
"""The values for runs of earlier versions, whose `config.json` does not have these settings."""
