"""Explains captions: what in the picture, and which words before it, made the model say each word.

Examples:

  All words of one photograph, captioned by the model of a training run:
    python explain.py --checkpoint=runs/demo --images=photo.jpg --out=out

  A folder; two words only; the page and the raw arrays:
    python explain.py --checkpoint=runs/demo --images=photos --out=out --words="dog,ball" --format=html,npz

  What would have spoken for another caption:
    python explain.py --checkpoint=runs/demo --images=photo.jpg --out=out --caption="a cat on a sofa"

  Drawn scenes, by attention, going on where an earlier run stopped:
    python explain.py --checkpoint=runs/demo --images=scenes:test_broken:0-19 --out=out --method=attention \\
      --resume

Each image gets a folder in --out with report.html (the page), word_*.png and words.png (heat maps),
relevance.npz (the raw arrays) and record.json (numbers, versions, config and rules; always written).
--out/index.html leads to all pages.

An image that fails is one line on stderr and costs no other. Exit codes: 0 all is well; 1 an image failed, or
no image has any of --words; 2 nothing could be started.
"""

import dataclasses
import functools
import hashlib
import json
import os
import pathlib
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import jax
import numpy as np
from absl import app, flags, logging

import lrp_jax
from lrp_jax import data, explain, render
from lrp_jax.data import scenes
from lrp_jax.data.sources import source
from lrp_jax.training import Run, load_run

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
# Captions are filled up to a multiple of this, so that a batch needs few compilations.
LENGTH_STEP = 4
# Scenes are drawn once more, larger than the model sees them, for people: pixels of a side.
SCENE_SIZE = 480


class CannotStartError(Exception):
    """Something is wrong that concerns every image; the message is one line for the user."""


@dataclasses.dataclass(frozen=True)
class Options:
    """What was asked on the command line, see `define_flags`."""

    checkpoint: str
    images: str
    out: str
    words: tuple[str, ...] = ()
    caption: str | None = None
    method: str = "lrp"
    head: int | None = None
    format: tuple[str, ...] = render.FORMATS
    max_length: int = 20
    words_per_chunk: int | None = None
    resume: bool = False


def explain_all(options: Options) -> int:
    """Explains every image and writes its files; returns the exit code.

    Raises:
        CannotStartError: before the first image, if none could succeed.
    """
    try:
        pathlib.Path(options.out).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStartError(f"--out={options.out}: cannot make this folder ({error.strerror})") from None
    try:
        run = load_run(options.checkpoint)
    except Exception as error:  # whatever a damaged file makes of the libraries that read it
        raise CannotStartError(f"--checkpoint={options.checkpoint}: {render.one_line(error)}") from error
    pictures = find_pictures(options.images, options.out, run)
    check_words(run, options)
    provenance = describe(run, options)
    outcome = render.explain_batch(
        pictures,
        functools.partial(explain_picture, run, options),
        options.out,
        formats=options.format,
        facts=facts(provenance),
        provenance=provenance,
        key=json.dumps([provenance, dataclasses.asdict(options) | {"images": "", "out": "", "resume": False}]).encode(),
        resume=options.resume,
    )
    where = pathlib.Path(options.out) / ("index.html" if "html" in options.format else "")
    print(f"{outcome}; see {where}")
    return int(bool(outcome.failed) or outcome.empty == len(pictures))


# --- one image ----------------------------------------------------------------------------------------------


def explain_picture(run: Run, options: Options, picture: render.Picture, pixels: np.ndarray) -> render.Case | None:
    """Captions one image, or takes the caption given, and explains its words.

    Returns:
        What to draw, or None if none of the wanted words occurs in the caption.
    """
    seen = data.load_image(pixels, run.preprocessing.size)
    tokens = caption(run, seen, options)
    words = [run.vocabulary.words[token] for token in tokens]
    rows = range(len(tokens) - 1)
    if options.words:
        missing = [word for word in options.words if word not in words]
        if missing:
            print(f"{picture.name}: no {_listed(missing)} in the caption {' '.join(words[1:])!r}", flush=True)
        rows = [row for row in rows if words[row + 1] in options.words]
        if not rows:
            return None
    count = len(tokens) - 1
    explanation = explain.explain_image(
        run.captioner,
        run.params,
        seen,
        np.pad(tokens, (0, -count % LENGTH_STEP), constant_values=data.PAD),
        encoder=run.encoder,
        encoder_params=run.encoder_params,
        preprocessing=run.preprocessing,
        method=options.method,
        head=options.head,
        words_per_chunk=options.words_per_chunk,
    )
    shown = render.presentable(pixels if picture.show is None else picture.show())
    notes = ["This caption was given; the model did not choose it."] if options.caption is not None else []
    return render.Case(picture.name, shown, words, _first(explanation, count), rows, notes=notes)


def caption(run: Run, image: np.ndarray, options: Options) -> np.ndarray:
    """The caption's token ids: the start token, then the words given or decoded, no end token."""
    if options.caption is not None:
        return np.array([data.START, *run.vocabulary.encode(options.caption)])
    inputs = explain.preprocess(image, run.preprocessing)
    features = _encode(run.encoder, run.encoder_params, inputs[None])[0]
    features = features.reshape(-1, features.shape[-1])
    tokens = explain.decode(run.captioner, run.params, features, options.max_length)
    tokens = tokens[tokens != data.END]
    if len(tokens) == 1:
        raise ValueError("the model ends its caption before the first word: there is nothing to explain")
    return tokens


@functools.partial(jax.jit, static_argnames="encoder")
def _encode(encoder, params, images):
    return encoder.apply(params, images)


def _first(explanation: explain.Explanation, count: int) -> explain.Explanation:
    """The explanation of the first `count` words, in numpy; padding after a word does not change it."""
    kept: dict[str, Any] = {"tokens": np.asarray(explanation.tokens)[: count + 1]}
    for name in ("logits", "features", "regions", "words", "betas", "pixels"):
        if (value := getattr(explanation, name)) is not None:
            kept[name] = np.asarray(value)[:count]
    if "words" in kept:
        kept["words"] = kept["words"][:, :count]
    return dataclasses.replace(explanation, **kept)


# --- which images -------------------------------------------------------------------------------------------


def find_pictures(images: str, out: str, run: Run) -> list[render.Picture]:
    """The image of a file, the images of a folder and all below it, or scenes of a split.

    Raises:
        CannotStartError: if there are none.
    """
    if images.startswith("scenes:"):
        return _scenes(images, run)
    path = pathlib.Path(images)
    if path.is_dir():
        found = sorted(_image_files(path, pathlib.Path(out).resolve()))
        if not found:
            raise CannotStartError(f"--images={images}: no image in this folder, looked for {' '.join(SUFFIXES)}")
    elif path.exists():
        found, path = [path], path.parent
    else:
        raise CannotStartError(f"--images={images}: no such file or folder")
    return [
        render.Picture(_printable(file.relative_to(path)), functools.partial(data.load_image, file)) for file in found
    ]


def _image_files(folder: pathlib.Path, out: pathlib.Path) -> Iterator[pathlib.Path]:
    for place, below, files in os.walk(folder):
        here = pathlib.Path(place)
        # Not what an earlier run wrote, where --out lies in the folder of the images.
        below[:] = [name for name in below if not name.startswith(".") and (here / name).resolve() != out]
        yield from (here / name for name in files if pathlib.Path(name).suffix.lower() in SUFFIXES)


def _printable(path: pathlib.Path) -> str:
    """A file's name as text: bytes that are no UTF-8 and control characters become escapes."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _scenes(images: str, run: Run) -> list[render.Picture]:
    """`scenes:SPLIT` or `scenes:SPLIT:INDICES`, of the world that the run was trained on."""
    _, split, *rest = images.split(":", 2)
    trained_on = str(run.config.get("source", ""))
    splits = source(trained_on if trained_on.startswith("scenes:") else "scenes:strong")
    if split not in splits:
        raise CannotStartError(f"--images={images}: got split {split!r}, wanted one of {', '.join(splits)}")
    dataset = splits[split]
    try:
        indices = _indices(rest[0]) if rest else list(range(len(dataset)))
    except ValueError:
        raise CannotStartError(f"--images={images}: wanted indices such as 0-19 or 3,7,10-12") from None
    if not indices or max(indices) >= len(dataset):
        raise CannotStartError(f"--images={images}: wanted indices from 0 to {len(dataset) - 1}")

    def scene(index: int) -> render.Picture:
        return render.Picture(
            f"{split}_{index}",
            read=lambda: data.load_image(dataset[index].image),
            show=lambda: scenes.draw(dataset.scene(index), SCENE_SIZE),
        )

    return [scene(index) for index in indices]


def _indices(text: str) -> list[int]:
    indices: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        indices += range(int(first), int(last if dash else first) + 1)
    return list(dict.fromkeys(indices))


# --- what is said about it ----------------------------------------------------------------------------------


def check_words(run: Run, options: Options) -> None:
    """Says which words of --caption and --words the model does not know.

    Raises:
        CannotStartError: if the caption has no word at all, or --words none that the model knows.
    """
    known = run.vocabulary.ids
    if options.caption is not None:
        tokens = data.tokenize(options.caption)
        if not tokens:
            raise CannotStartError(f"--caption={options.caption!r}: got no words")
        unknown = [token for token in tokens if token not in known]
        if unknown:
            print(f"--caption: the model does not know {_listed(unknown)} and reads <unk> instead")
    unknown = [word for word in options.words if word not in known]
    if unknown and len(unknown) == len(options.words):
        raise CannotStartError(f"--words: the model does not know {_listed(unknown)} and never says it")
    if unknown:
        print(f"--words: the model does not know {_listed(unknown)} and never says it")


def describe(run: Run, options: Options) -> dict[str, Any]:
    """What made the results, as far as JSON can hold it: model, weights, config, rules, versions."""
    weights = hashlib.sha256()
    for path, leaf in jax.tree.leaves_with_path([run.params, run.encoder_params]):
        leaf = np.ascontiguousarray(leaf)
        weights.update(f"{jax.tree_util.keystr(path)} {leaf.dtype} {leaf.shape} ".encode() + leaf.tobytes())
    config = run.config.to_dict() if hasattr(run.config, "to_dict") else dict(run.config)
    return {
        "checkpoint": options.checkpoint,
        "model": {
            "captioner": repr(run.captioner),
            "encoder": repr(run.encoder),
            "preprocessing": repr(run.preprocessing),
            "words": len(run.vocabulary),
            "weights_sha256": weights.hexdigest(),
        },
        "rules": None if options.method == "attention" else str(explain.composite_of(options.method, lrp_jax.PAPER)),
        "config": json.loads(json.dumps(config, default=str)),
        "versions": {
            "lrp_jax": lrp_jax.__version__,
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("jax", "flax", "numpy", "pillow")},
        },
    }


def facts(provenance: dict[str, Any]) -> dict[str, str]:
    """The part of `describe` that a reader of the page may want."""
    result = {"model": provenance["model"]["captioner"], "encoder": provenance["model"]["encoder"]}
    result["checkpoint"] = provenance["checkpoint"]
    if provenance["rules"]:
        result["rules"] = provenance["rules"]
    result["versions"] = ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
    return result


def _listed(words: list[str]) -> str:
    return ", ".join(map(repr, dict.fromkeys(words)))


# --- the command line ---------------------------------------------------------------------------------------


def define_flags() -> None:
    flags.DEFINE_string("checkpoint", None, "Folder of a training run (its --workdir).", required=True)
    flags.DEFINE_string(
        "images",
        None,
        "An image file, a folder (with all folders below it), or scenes:SPLIT:INDICES for drawn scenes, e.g. "
        "scenes:test_broken:0-19; without INDICES the whole split.",
        required=True,
    )
    flags.DEFINE_string("out", None, "Folder for the results; made if missing.", required=True)
    flags.DEFINE_list("words", [], "Explain only these words of the caption, separated by commas.")
    flags.DEFINE_string("caption", None, "Explain this caption instead of the model's own.")
    flags.DEFINE_enum("method", "lrp", explain.METHODS, "How to explain.")
    flags.DEFINE_integer("head", None, "Explain through this attention head only (MH-FC).")
    flags.DEFINE_list("format", list(render.FORMATS), f"What to write: {', '.join(render.FORMATS)}.")
    flags.DEFINE_integer("max_length", 20, "Most tokens of a decoded caption.", lower_bound=1)
    flags.DEFINE_integer(
        "words_per_chunk", None, "Words that share a backward pass; fewer take less memory.", lower_bound=1
    )
    flags.DEFINE_bool("resume", False, "Leave alone what an earlier run with the same flags has finished.")
    flags.register_validator(
        "format",
        lambda names: bool(names) and set(names) <= set(render.FORMATS),
        f"wanted one or more of {', '.join(render.FORMATS)}",
    )


def parse_flags(argv: list[str]) -> list[str]:
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        print(f"explain.py: {error} See --help.", file=sys.stderr)
        sys.exit(2)


def main(argv: list[str]) -> int:
    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)  # the checkpoint library tells its whole life
    if len(argv) > 1:
        print(f"explain.py: got {argv[1]!r}, wanted flags only, such as --images=FILE", file=sys.stderr)
        return 2
    values = {field.name: getattr(flags.FLAGS, field.name) for field in dataclasses.fields(Options)}
    values["words"] = tuple(token for word in values["words"] for token in data.tokenize(word))
    values["format"] = tuple(values["format"])
    try:
        return explain_all(Options(**values))
    except CannotStartError as error:
        print(f"explain.py: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"explain.py: --out={values['out']}: {render.one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; go on with --resume", file=sys.stderr)
        return 130


if __name__ == "__main__":
    define_flags()
    app.run(main, flags_parser=parse_flags)
