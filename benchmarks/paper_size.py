"""Writes models of the paper's sizes with random weights, and images, as files for explain.py."""

import json
import pathlib

import numpy as np
from PIL import Image
from safetensors.numpy import load_file, save_file

from lrp_jax.captions import scenes
from lrp_jax.captions.models.decoding import END
from lrp_jax.captions.weights import captioners, vgg
from lrp_jax.captions.words import SPECIAL

SIZES = {"H": 512, "E": 512, "D": 512, "A": 196, "G": 512, "V": 11026}
TABLES = {"ada": captioners.ADA_LSTM, "mhfc": captioners.MH_FC}


def write_models(folder: pathlib.Path, kind: str = "ada", width: int = 64, words: int = SIZES["V"]) -> list[str]:
    """Writes a captioner and VGG16 with random weights, and a word map; returns the flags for explain.py.

    The captioner never produces the end token, so that all captions have `--max_length` words.

    Args:
      folder: created if missing.
      kind: "ada" or "mhfc".
      width: of VGG16.
      words: of the vocabulary.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    sizes = SIZES | {"D": 8 * width, "V": words}
    captioner = {name: _random(rng, symbols, sizes) for name, (_, symbols) in TABLES[kind].items()}
    captioner["img_projector.weight"] = captioner["img_projector.weight"][
        ..., None, None
    ]  # as in checkpoints for grid features
    captioner["fc.bias"][END] = -1000
    save_file(captioner, folder / "captioner.safetensors")
    encoder = {name: _random(rng, symbols, {"W": width}, gain=2) for name, (_, symbols) in vgg.TABLE.items()}
    save_file(encoder, folder / "encoder.safetensors")
    vocabulary = (*SPECIAL, *(f"word{i}" for i in range(words - len(SPECIAL))))
    (folder / "wordmap.json").write_text(json.dumps({word: i for i, word in enumerate(vocabulary)}), encoding="utf-8")
    return [
        f"--captioner_weights={folder / 'captioner.safetensors'}",
        f"--encoder_weights={folder / 'encoder.safetensors'}",
        f"--vocabulary={folder / 'wordmap.json'}",
    ]


def _random(rng: np.random.Generator, symbols: str, sizes: dict[str, int], gain: float = 1) -> np.ndarray:
    """Normal values with variance gain / fan-in; small ones for a bias."""
    shape = [_size(symbol, sizes) for symbol in symbols.split()]
    deviation = (gain / np.prod(shape[1:])) ** 0.5 if len(shape) > 1 else 0.01
    return rng.normal(0, deviation, shape).astype(np.float32)


def _size(symbol: str, sizes: dict[str, int]) -> int:
    """The size for "4H", "H+G+E" or "3": sums of multiples of letters."""
    total = 0
    for term in symbol.split("+"):
        number, letter = term.rstrip("".join(sizes)), term.lstrip("0123456789")
        total += int(number or 1) * (sizes[letter] if letter else 1)
    return total


def write_pictures(folder: pathlib.Path, count: int, size: int = 480) -> None:
    """Draws scenes and writes them as JPEG files."""
    folder.mkdir(parents=True, exist_ok=True)
    dataset = scenes.dataset("train")
    for index in range(count):
        path = folder / f"{index:05d}.jpg"
        if not path.exists():
            Image.fromarray(scenes.draw(dataset.scene(index), size)).save(path, quality=90)


def write_question(folder: pathlib.Path, words: int, side: int = 224) -> None:
    """Writes a preprocessed image, image.npy [side, side, 3], and the relevance of its features (of the encoder in the
    folder) for `words` words, relevance.npy [words, side // 16, side // 16, C]; both random, with 0 for features of 0.
    """
    rng = np.random.default_rng(1)
    image = rng.normal(size=(side, side, 3)).astype(np.float32)
    encoder, params = vgg.vgg16_from_state_dict(load_file(folder / "encoder.safetensors"))
    features = np.asarray(encoder.apply(params, image))
    np.save(folder / "image.npy", image)
    np.save(folder / "relevance.npy", (rng.normal(size=(words, *features.shape)) * (features > 0)).astype(np.float32))
