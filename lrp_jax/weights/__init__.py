"""Published weights as parameters of our models."""

from lrp_jax.weights.captioners import captioner_from_state_dict
from lrp_jax.weights.squeezenet import squeezenet_from_arrays
from lrp_jax.weights.vgg import vgg16_from_state_dict

__all__ = ["captioner_from_state_dict", "squeezenet_from_arrays", "vgg16_from_state_dict"]
