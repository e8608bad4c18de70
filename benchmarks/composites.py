"""Relevance maps of the same photographs and classes under five composites, side by side.

    python -m benchmarks.composites --weights=squeezenet1_1_oihw.npz --images=FOLDER --out=composites.png [--count=10]

SqueezeNet's top class is explained. Each row has a photograph and its maps, each with the logit of the class and the
part of it that reached the pixels. One symmetric scale per map: red supports, blue opposes.
"""

import argparse
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image, ImageDraw

import lrp_jax
from lrp_jax.captions import render
from lrp_jax.captions.images import load_image
from lrp_jax.captions.models import Preprocessing
from lrp_jax.captions.pages.found import SUFFIXES
from lrp_jax.captions.weights import squeezenet_from_arrays

PREPROCESSING = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), size=(224, 224))
SIDE, MARGIN, LINE = 224, 8, 18  # pixels


def composites() -> tuple[lrp_jax.Composite, ...]:
    mean, std = np.array(PREPROCESSING.mean), np.array(PREPROCESSING.std)
    low, high = float((-mean / std).min()), float(((1 - mean) / std).max())
    box = lrp_jax.EpsilonGammaBox(low, high)
    return lrp_jax.PAPER, lrp_jax.EpsilonPlusFlat, lrp_jax.EpsilonAlpha2Beta1Flat, box, lrp_jax.GRADIENT_X_INPUT


def explain(encoder, params, images) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(composite, logits [B], maps [B, H, W]) for each composite, for the top class of each image."""

    def top_logits(params, images):
        return encoder.apply(params, images, method="classify").max(axis=-1)

    results = []
    for rules in composites():
        value, relevance = jax.jit(lrp_jax.relevance(top_logits, rules, argnums=1))(params, images)
        results.append((rules.name, np.asarray(value), np.asarray(relevance).sum(-1)))
    return results


def sheet(photographs, results) -> Image.Image:
    columns = 1 + len(results)
    size = (columns * (SIDE + MARGIN) + MARGIN, len(photographs) * (SIDE + LINE + MARGIN) + LINE + MARGIN)
    page = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(page)
    for column, name in enumerate(["photograph", *(name for name, _, _ in results)]):
        pen.text((MARGIN + column * (SIDE + MARGIN), 4), name, "black")
    for row, photograph in enumerate(photographs):
        y = LINE + MARGIN + row * (SIDE + LINE + MARGIN)
        page.paste(Image.fromarray(photograph), (MARGIN, y))
        for column, (_, logits, maps) in enumerate(results, 1):
            x = MARGIN + column * (SIDE + MARGIN)
            drawn = render.overlay(photograph, maps[row], render.common_scale(maps[row]))
            page.paste(Image.fromarray(drawn), (x, y))
            pen.text((x, y + SIDE + 2), f"logit {logits[row]:.1f}, arrived {maps[row].sum():.1f}", "black")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True, type=pathlib.Path)
    parser.add_argument("--images", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--count", type=int, default=10)
    options = parser.parse_args()
    with np.load(options.weights, allow_pickle=False) as file:
        encoder, params = squeezenet_from_arrays(dict(file))
    files = sorted(path for path in options.images.iterdir() if path.suffix.lower() in SUFFIXES)
    photographs = [load_image(path, (SIDE, SIDE)) for path in files[: options.count]]
    if not photographs:
        parser.error(f"no image in {options.images}; wanted a folder with {' '.join(SUFFIXES)}")
    images = jnp.stack([PREPROCESSING(photograph) for photograph in photographs])
    page = sheet(photographs, explain(encoder, params, images))
    page.save(options.out)
    print(f"{len(photographs)} photographs: {options.out}")


if __name__ == "__main__":
    main()
