"""The small captioner of the drawn scenes that the package carries, and the tool that makes its file from a run.

    python train.py --config=configs/ada_scenes.py --workdir=runs/ada
    python -m lrp_jax.captions.runs.scene_captioner --run=runs/ada \\
      --out=lrp_jax/captions/weights/data/scene_captioner.npz

The file has the captioner's parameters in half precision and, as a JSON string under `about`, the settings, the words
and the figures of the run. The encoder is the one that the package carries anyway.
"""

import argparse
import json
import os
import pathlib
from typing import Any

import ml_collections
import numpy as np
from flax import traverse_util

from lrp_jax.captions import scenes
from lrp_jax.captions.data.features import digest
from lrp_jax.captions.models.decoding import Beam
from lrp_jax.captions.runs.captioning import caption_tokens
from lrp_jax.captions.runs.encoders import Encoder, encode_dataset
from lrp_jax.captions.runs.folder import Run, build_captioner, load_run
from lrp_jax.captions.storage.files import atomic
from lrp_jax.captions.weights.packaged import read_packaged
from lrp_jax.captions.weights.scene_encoder import load_scene_encoder
from lrp_jax.captions.words import Vocabulary

SETTINGS_OF_A_MACHINE = ("features_folder", "encoder_weights")
COMPARED = 200  # scenes on which half precision may change captions


def load_scene_captioner(path: str | os.PathLike | None = None) -> Run:
    """The captioner of the drawn scenes, its encoder and its words, as `load_run` gives those of a run's folder.

    It is there to show something before anything is trained: it knows 40 kinds of drawn things, and has seen no
    photograph. How good it is on scenes is in `scene_captioner_record`.

    Args:
      path: another file that this module has written; None: the package's own.

    Returns:
      The models, with parameters in float32, the vocabulary and the settings of training.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file holds no captioner of scenes, or one that was trained on features of another encoder.
    """
    about, arrays = _read(path)
    encoder, encoder_params, preprocessing = load_scene_encoder()
    if digest(encoder_params) != about["encoder"]:
        raise ValueError(
            f"{path or 'the package'}: trained with another scene encoder than the package has; make it anew"
        )
    params = traverse_util.unflatten_dict({name: a.astype(np.float32) for name, a in arrays.items()}, sep="/")
    config, vocabulary = ml_collections.ConfigDict(about["config"]), Vocabulary(tuple(about["words"]))
    captioner = build_captioner(config, len(vocabulary))
    return Run(captioner, params, encoder, encoder_params, preprocessing, vocabulary, config)


def scene_captioner_record(path: str | os.PathLike | None = None) -> dict[str, Any]:
    """How the captioner was made: its `config`, its `words`, its `results` (CIDEr by split) and the scenes of 200 on
    which half precision changed the caption (`changed`)."""
    return _read(path)[0]


def write_scene_captioner(folder: str | os.PathLike, out: str | os.PathLike, *, compared: int = COMPARED) -> dict:
    """Writes the file from the folder of a finished run, and returns its record without config and words.

    Args:
      folder: of a run of a captioner of drawn scenes, with `results.json`.
      out: the file.
      compared: how many scenes are captioned before and after the rounding.

    Raises:
      FileNotFoundError: the run is not there, or not finished.
      ValueError: it was trained on features of another encoder than the one that the package carries.
    """
    run = load_run(folder)
    results = pathlib.Path(folder) / "results.json"
    if not results.exists():
        raise FileNotFoundError(f"{results}: no such file; wanted a run that is finished, see train.py")
    about = {
        "config": run.config.to_dict() | dict.fromkeys(SETTINGS_OF_A_MACHINE, ""),
        "results": {name: round(value, 4) for name, value in json.loads(results.read_text("utf-8")).items()},
        "words": list(run.vocabulary.words),
        "encoder": digest(load_scene_encoder()[1]),
    }
    if digest(run.encoder_params) != about["encoder"]:
        raise ValueError(f"{folder}: wanted a run with the encoder that the package carries, --config.encoder=scenes")
    flat = traverse_util.flatten_dict(run.params, sep="/")
    arrays = {name: np.asarray(value, np.float16) for name, value in flat.items()}
    rounded = traverse_util.unflatten_dict({name: a.astype(np.float32) for name, a in arrays.items()}, sep="/")
    about["compared"], about["changed"] = compared, _changed(run, rounded, compared)
    with atomic(out, "wb") as file:
        np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)
    return {name: value for name, value in about.items() if name not in ("config", "words")}


def _changed(run: Run, params: Any, count: int) -> int:
    """On how many held-out scenes other parameters give another caption."""
    dataset = scenes.dataset("test_broken", count=count)
    encoder = Encoder(run.encoder, run.encoder_params, run.preprocessing)
    features = encode_dataset(encoder, dataset, name="test_broken").array
    decoder = Beam(width=run.config.beam, max_length=max(run.config.lengths))
    said = [caption_tokens(run.captioner, p, features, decoder=decoder) for p in (run.params, params)]
    return int((said[0] != said[1]).any(axis=1).sum())


def _read(path: str | os.PathLike | None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    what = {"what": "scene captioner", "maker": "lrp_jax.captions.runs.scene_captioner"}
    about, arrays = read_packaged("scene_captioner.npz", path, **what)
    if "words" not in about:  # the encoder's file looks like this one
        raise ValueError(f"{path} is no {what['what']}: wanted an npz written by {what['maker']}")
    return about, arrays


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True, help="folder of a finished run of configs/ada_scenes.py")
    parser.add_argument("--out", required=True, help="file to write")
    options = parser.parse_args()
    print(json.dumps(write_scene_captioner(options.run, options.out), indent=2))


if __name__ == "__main__":
    main()
