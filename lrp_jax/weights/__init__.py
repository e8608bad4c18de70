"""Published weights as parameters of our models."""

from lrp_jax.weights.captioners import captioner_from_state_dict
from lrp_jax.weights.files import read_weights
from lrp_jax.weights.resnet import resnet_from_state_dict
from lrp_jax.weights.squeezenet import squeezenet_from_arrays
from lrp_jax.weights.torch_file import UnsafeFileError
from lrp_jax.weights.vgg import vgg16_from_keras, vgg16_from_state_dict

__all__ = [
    "UnsafeFileError",
    "captioner_from_state_dict",
    "read_weights",
    "resnet_from_state_dict",
    "squeezenet_from_arrays",
    "vgg16_from_keras",
    "vgg16_from_state_dict",
]
