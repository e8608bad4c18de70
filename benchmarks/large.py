"""Relevance of networks of full size: python -m benchmarks.large [--size 224] [--rounds 3] [--json FILE]

ResNet-50, a ViT-S/16, and VGG16 with both captioners at the paper's sizes, random weights, one image. For the first two
it prints
  - whether every relevance is finite,
  - the balance of the audit: the seed, the lost relevance by reason, the relevance that arrived, and the difference,
  - the time of value and relevance, and of value and gradient, as multiples of the forward pass, all jitted and
    measured in turn; the fastest round counts;
and for the captioners the time of an explanation of twelve words in the pixels, by `explain_image`, as a multiple of
the encoder's forward pass.
"""

import argparse
import time
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

import lrp_jax
from benchmarks.common import random_variables, write_figures
from lrp_jax.captions.explain import explain_image
from lrp_jax.captions.models import MHFC, VGG16, AdaLSTM, ResNet


class Block(nn.Module):
    """A pre-norm transformer block from standard Flax modules."""

    heads: int

    @nn.compact
    def __call__(self, x):
        x = x + nn.MultiHeadDotProductAttention(self.heads)(nn.LayerNorm()(x))
        h = nn.gelu(nn.Dense(4 * x.shape[-1])(nn.LayerNorm()(x)))
        return x + nn.Dense(x.shape[-1])(h)


class ViT(nn.Module):
    """A vision transformer (Dosovitskiy et al., 2021); the defaults are S/16."""

    depth: int = 12
    size: int = 384
    heads: int = 6
    patch: int = 16
    classes: int = 1000

    @nn.compact
    def __call__(self, image):
        patches = nn.Conv(self.size, (self.patch,) * 2, (self.patch,) * 2, name="embedding")(image)
        x = patches.reshape(-1, self.size)
        first = self.param("class", nn.initializers.normal(0.02), (1, self.size))
        x = jnp.concatenate([first, x])
        x = x + self.param("position", nn.initializers.normal(0.02), x.shape)
        for _ in range(self.depth):
            x = Block(self.heads)(x)
        return nn.Dense(self.classes, name="head")(nn.LayerNorm()(x)[0])


def networks(size: int):
    """An image, and name -> (function from variables and image to logits, variables, composites)."""
    image = jnp.asarray(np.random.default_rng(1).normal(size=(size, size, 3)), jnp.float32)

    def row(module, composites, **options):
        return partial(module.apply, **options), random_variables(module, image, **options), composites

    convolutional = (lrp_jax.PAPER, lrp_jax.EpsilonPlusFlat, lrp_jax.EpsilonGammaBox(-4.0, 4.0))
    return image, {
        "ResNet-50": row(ResNet(), convolutional, method="classify"),
        "ViT-S/16": row(ViT(), (lrp_jax.ATTN_LRP, lrp_jax.CP_LRP)),
    }


def seconds(f, *args) -> float:
    began = time.perf_counter()
    jax.block_until_ready(f(*args))
    return time.perf_counter() - began


def measure(logits, variables, rules, image, rounds: int) -> dict:
    top = int(jnp.argmax(jax.jit(logits)(variables, image)))

    # The variables are an argument: as constants XLA would spend minutes on constant folding.
    def f(variables, image):
        return logits(variables, image)[top]

    contestants = {
        "forward": jax.jit(f),
        "gradient": jax.jit(jax.value_and_grad(f, argnums=1)),
        "relevance": jax.jit(lrp_jax.relevance(f, rules, argnums=1)),
    }
    times = {name: [] for name in contestants}
    for g in contestants.values():
        jax.block_until_ready(g(variables, image))
    for _ in range(rounds):
        for name, g in contestants.items():
            times[name].append(seconds(g, variables, image))
    times = {name: min(values) for name, values in times.items()}
    value, relevance = contestants["relevance"](variables, image)
    audit = lrp_jax.audit(f, rules, argnums=1)(variables, image)
    return {
        "finite": bool(jnp.isfinite(relevance).all()),
        "logit": float(value),
        "relevance": float(relevance.sum()),
        "lost": {cause: lost for cause, lost in audit.lost.items() if lost},
        "unaccounted": audit.unexplained,
        "gradient_over_forward": times["gradient"] / times["forward"],
        "relevance_over_forward": times["relevance"] / times["forward"],
        "forward_seconds": times["forward"],
    }


WORDS = 12


def measure_captioner(captioner, image, rounds: int) -> dict:
    encoder = VGG16()
    encoder_params = random_variables(encoder, image[None])
    forward = jax.jit(encoder.apply)
    features = forward(encoder_params, image[None])[0]
    features = features.reshape(-1, features.shape[-1])
    tokens = np.arange(1, WORDS + 2)
    params = random_variables(captioner, features, tokens)
    explain = partial(
        explain_image,
        captioner,
        params,
        image,
        tokens,
        encoder=encoder,
        encoder_params=encoder_params,
        words_per_chunk=4,
    )
    explain()
    times = {"forward": [], "explanation": []}
    for _ in range(rounds):
        times["forward"].append(seconds(forward, encoder_params, image[None]))
        began = time.perf_counter()
        explanation = explain()
        jax.block_until_ready(explanation.pixels)
        times["explanation"].append(time.perf_counter() - began)
    forward_seconds, explanation_seconds = (min(t) for t in times.values())
    return {
        "finite": bool(jnp.isfinite(explanation.pixels).all() & jnp.isfinite(explanation.words).all()),
        "explanation_over_forward": explanation_seconds / forward_seconds,
        "forward_seconds": forward_seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=224, help="pixels of a side")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="file to write the figures to")
    options = parser.parse_args()
    image, table = networks(options.size)
    results = {}
    for name, (logits, variables, composites) in table.items():
        for rules in composites:
            row = results[f"{name} {rules.name}"] = measure(logits, variables, rules, image, options.rounds)
            lost = ", ".join(f"{cause} {x:.3g}" for cause, x in row["lost"].items())
            print(
                f"{name} {rules.name}: {'finite' if row['finite'] else 'NOT FINITE'}; logit {row['logit']:.4g} = "
                f"arrived {row['relevance']:.4g} + lost ({lost}) + {row['unaccounted']:.1e}; gradient "
                f"{row['gradient_over_forward']:.1f} and relevance {row['relevance_over_forward']:.1f} times the "
                f"forward pass of {1000 * row['forward_seconds']:.0f} ms",
                flush=True,
            )
    for captioner in (AdaLSTM(11026), MHFC(11026)):
        name = f"VGG16 and {type(captioner).__name__}"
        row = results[name] = measure_captioner(captioner, image, options.rounds)
        print(
            f"{name}: {'finite' if row['finite'] else 'NOT FINITE'}; {WORDS} words explained in "
            f"{row['explanation_over_forward']:.1f} times the encoder's forward pass of "
            f"{1000 * row['forward_seconds']:.0f} ms",
            flush=True,
        )
    write_figures(options.json, results)


if __name__ == "__main__":
    main()
