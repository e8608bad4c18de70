"""Published weights as parameters of our models."""

from lrp_jax.captions.weights.captioners import captioner_from_state_dict
from lrp_jax.captions.weights.checkpoints import Checkpoint, captioner_from_checkpoint
from lrp_jax.captions.weights.encoders import encoder_kind
from lrp_jax.captions.weights.fetch import PUBLISHED, ChecksumError, sha256, weights_file
from lrp_jax.captions.weights.files import read_weights
from lrp_jax.captions.weights.resnet import resnet_from_state_dict
from lrp_jax.captions.weights.squeezenet import squeezenet_from_arrays
from lrp_jax.captions.weights.torch_file import UnsafeFileError
from lrp_jax.captions.weights.vgg import vgg16_from_keras, vgg16_from_state_dict

__all__ = [
    "PUBLISHED",
    "Checkpoint",
    "ChecksumError",
    "UnsafeFileError",
    "captioner_from_checkpoint",
    "captioner_from_state_dict",
    "encoder_kind",
    "read_weights",
    "resnet_from_state_dict",
    "sha256",
    "squeezenet_from_arrays",
    "vgg16_from_keras",
    "vgg16_from_state_dict",
    "weights_file",
]
