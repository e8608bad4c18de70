"""Captioners and encoders as plain Flax Linen modules, their unrolling over a caption, and decoding."""

from lrp_jax.captions.models.ada_lstm import AdaLSTM
from lrp_jax.captions.models.captioner import Captioner
from lrp_jax.captions.models.decoding import greedy
from lrp_jax.captions.models.mh_fc import MHFC
from lrp_jax.captions.models.preprocessing import IMAGENET, Preprocessing
from lrp_jax.captions.models.protocol import Attention, PredictorInputs, Trace
from lrp_jax.captions.models.regions import RegionEncoder, multi_scale_boxes, region_variables, with_boxes
from lrp_jax.captions.models.resnet import ResNet
from lrp_jax.captions.models.squeezenet import SqueezeNet
from lrp_jax.captions.models.unroll import logits, unroll
from lrp_jax.captions.models.vgg import VGG16

__all__ = [
    "IMAGENET",
    "MHFC",
    "VGG16",
    "AdaLSTM",
    "Attention",
    "Captioner",
    "PredictorInputs",
    "Preprocessing",
    "RegionEncoder",
    "ResNet",
    "SqueezeNet",
    "Trace",
    "greedy",
    "logits",
    "multi_scale_boxes",
    "region_variables",
    "unroll",
    "with_boxes",
]
