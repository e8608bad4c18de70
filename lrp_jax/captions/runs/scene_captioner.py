"""The small captioner for drawn scenes that ships with the package, and the tool that makes its file from a run.

    lrp-jax train --config=ada_scenes --workdir=runs/ada
    python -m lrp_jax.captions.runs.scene_captioner --run=runs/ada \\
      --out=lrp_jax/captions/weights/data/scene_captioner.npz

The file has the captioner's parameters in half precision and, as a JSON string under `about`, the settings, the words
and the results of the run. The encoder is not in it: it is the scene encoder that ships with the package.
"""

import argparse
import dataclasses
import json
import os
import pathlib
from typing import Any

import ml_collections
import numpy as np
from flax import traverse_util

from lrp_jax.captions import scenes
from lrp_jax.captions.data.features import digest
from lrp_jax.captions.models.encoding import Encoder
from lrp_jax.captions.runs.encoders import encode_dataset
from lrp_jax.captions.runs.folder import build_captioner, load_run
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.storage.files import atomic
from lrp_jax.captions.weights.packaged import read_packaged
from lrp_jax.captions.weights.scene_encoder import load_scene_encoder
from lrp_jax.captions.words import Vocabulary

SETTINGS_OF_A_MACHINE = ("features_folder", "encoder_weights")
SHIPPED = "scene_captioner.npz, which ships with lrp_jax"
COMPARED = 200  # scenes whose captions are compared before and after rounding to half precision


def load_scene_captioner(path: str | os.PathLike | None = None) -> Speaker:
    """The captioner for drawn scenes, its encoder and its words, as `load_run` returns them for a run's folder.

    It is for trying things before training a captioner: it knows 40 kinds of drawn objects, and was trained on no
    photograph. Its scores on scenes are in `scene_captioner_record`.

    Args:
      path: another file written by this module; None for the one in the package.

    Returns:
      The models, with parameters in float32, the vocabulary and the settings of training.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file has no scene captioner, or one that was trained on features of another encoder.
    """
    about, arrays = _read(path)
    encoder = Encoder(*load_scene_encoder())
    if digest(encoder.params) != about["encoder"]:
        raise ValueError(
            f"{path or 'the package'}: trained with another scene encoder than that of the package; make the file again"
        )
    params = traverse_util.unflatten_dict({name: a.astype(np.float32) for name, a in arrays.items()}, sep="/")
    config, vocabulary = ml_collections.ConfigDict(about["config"]), Vocabulary(tuple(about["words"]))
    captioner = build_captioner(config, len(vocabulary))
    return Speaker(captioner, params, vocabulary, encoder, config=config, origin={"checkpoint": SHIPPED})


def scene_captioner_record(path: str | os.PathLike | None = None) -> dict[str, Any]:
    """How the captioner was made: its `config`, its `words`, its `results` (CIDEr by split) and the number of scenes,
    of 200, on which half precision changed the caption (`changed`)."""
    return _read(path)[0]


def write_scene_captioner(folder: str | os.PathLike, out: str | os.PathLike, *, compared: int = COMPARED) -> dict:
    """Writes the file from the folder of a finished run, and returns its record without config and words.

    Args:
      folder: of a finished run on drawn scenes, with `results.json`.
      out: the file to write.
      compared: the number of scenes that are captioned before and after rounding.

    Raises:
      FileNotFoundError: the run does not exist, or is not finished.
      ValueError: it was trained on features of another encoder than the one in the package.
    """
    run = load_run(folder)
    results = pathlib.Path(folder) / "results.json"
    if not results.exists():
        raise FileNotFoundError(f"{results}: no such file; wanted a finished run, see `lrp-jax train`")
    about = {
        "config": run.config.to_dict() | dict.fromkeys(SETTINGS_OF_A_MACHINE, ""),
        "results": {name: round(value, 4) for name, value in json.loads(results.read_text("utf-8")).items()},
        "words": list(run.words.words),
        "encoder": digest(load_scene_encoder()[1]),
    }
    if digest(run.encoder.params) != about["encoder"]:
        raise ValueError(f"{folder}: wanted a run with the encoder of the package, --config.encoder=scenes")
    flat = traverse_util.flatten_dict(run.params, sep="/")
    arrays = {name: np.asarray(value, np.float16) for name, value in flat.items()}
    rounded = traverse_util.unflatten_dict({name: a.astype(np.float32) for name, a in arrays.items()}, sep="/")
    about["compared"], about["changed"] = compared, _changed(run, rounded, compared)
    with atomic(out, "wb") as file:
        np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)
    return {name: value for name, value in about.items() if name not in ("config", "words")}


def _changed(run: Speaker, params: Any, count: int) -> int:
    """The number of held-out scenes on which the other parameters give another caption."""
    dataset = scenes.dataset("test_broken", count=count)
    features = encode_dataset(run.encoder, dataset, name="test_broken").array
    before, after = (
        speaker.caption(features, batch_size=count) for speaker in (run, dataclasses.replace(run, params=params))
    )
    return sum(str(one) != str(other) for one, other in zip(before, after, strict=True))


def _read(path: str | os.PathLike | None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    what = {"what": "scene captioner", "maker": "lrp_jax.captions.runs.scene_captioner"}
    about, arrays = read_packaged("scene_captioner.npz", path, **what)
    if "words" not in about:  # the file of the scene encoder has the same layout
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
