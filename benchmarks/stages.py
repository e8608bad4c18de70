"""The relevance of a caption by lrp_jax, as the ways of several benchmarks."""

import pathlib
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file

from benchmarks.common import random_variables
from lrp_jax import PAPER
from lrp_jax.captions.explain import View, explain_image, explain_images
from lrp_jax.captions.explain.question import ask, propagate
from lrp_jax.captions.models import MHFC, AdaLSTM
from lrp_jax.captions.weights import vgg16_from_state_dict

VOCABULARY = 11026
UNIT = "forward"
KINDS = {"Ada-LSTM": AdaLSTM, "MH-FC": MHFC}


def read_encoder(folder: str):
    """The encoder of encoder.safetensors and its variables, on the device."""
    encoder, params = vgg16_from_state_dict(load_file(pathlib.Path(folder) / "encoder.safetensors"))
    return encoder, jax.device_put(params)


def read_image(folder: str) -> jax.Array:
    return jnp.asarray(np.load(pathlib.Path(folder) / "image.npy"))


def encoder_ways(folder: str, chunks: Sequence[int]) -> dict[str, Callable]:
    """From the relevance of the features, relevance.npy, to the pixels, with several words per backward pass."""
    (encoder, params), image = read_encoder(folder), read_image(folder)
    relevance = jnp.asarray(np.load(pathlib.Path(folder) / "relevance.npy"))
    forward, images = jax.jit(encoder.apply), jnp.repeat(image[None], len(relevance), axis=0)

    def explain(chunk):
        return View(encoder, params, image).pull_back(PAPER, relevance, chunk).block_until_ready()

    return {
        UNIT: lambda: forward(params, image[None]).block_until_ready(),
        f"forward of {len(relevance)} images": lambda: forward(params, images).block_until_ready(),
        **{f"{chunk} to a pass": lambda chunk=chunk: explain(chunk) for chunk in chunks},
    }


def caption_ways(
    folder: str,
    words: int,
    methods: Sequence[str] = (),
    kind: str = "Ada-LSTM",
    vocabulary: int = VOCABULARY,
    chunk: int | None = None,
    images: int = 1,
) -> dict[str, Callable]:
    """The decoder's part for a caption of `words` words, and whole explanations by some methods."""
    (encoder, params), image = read_encoder(folder), read_image(folder)
    forward = jax.jit(encoder.apply)
    features = View(encoder, params, image).encode()
    captioner, tokens = KINDS[kind](vocabulary), np.arange(1, words + 2)
    variables = random_variables(captioner, features, tokens)
    asked = ask(captioner, variables, features, tokens)
    models = {"encoder": encoder, "encoder_params": params, "words_per_chunk": chunk}

    def explain(method):
        how = {"method": method, **models}
        if images == 1:
            jax.block_until_ready(explain_image(captioner, variables, image, tokens, **how).pixels)
        else:
            found = explain_images(captioner, variables, [image] * images, [tokens] * images, **how)
            jax.block_until_ready([one.pixels for one in found])

    return {
        UNIT: lambda: forward(params, image[None]).block_until_ready(),
        "words": lambda: jax.block_until_ready(propagate(asked, PAPER)),
        **{method: lambda method=method: explain(method) for method in methods},
    }
