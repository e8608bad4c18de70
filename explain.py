"""Explains captions: what in the picture, and which words before it, made the model say each word.

Examples:

  All words of one photograph, captioned by the model of a training run:
    python explain.py --checkpoint=runs/demo --images=photo.jpg --out=out

  A folder; two words only; the page and the raw arrays:
    python explain.py --checkpoint=runs/demo --images=photos --out=out --words="dog,ball" --format=html,npz

  What would have spoken for another caption:
    python explain.py --checkpoint=runs/demo --images=photo.jpg --out=out --caption="a cat on a sofa"

  Drawn scenes, by four methods side by side, going on where an earlier run stopped:
    python explain.py --checkpoint=runs/demo --images=scenes:test_broken:0-19 --out=out \\
      --method=lrp,grad_cam,occlusion,attention --resume

  Why "dog" and not "cat":
    python explain.py --checkpoint=runs/demo --images=photo.jpg --out=out --words=dog --against=cat

Each image gets a folder in --out with report.html (the page), word_*.png and words.png (heat maps),
relevance.npz (the raw arrays) and record.json (numbers, versions, config and rules; always written).
With several methods the page shows them side by side, and heat maps and arrays have one file for each method
(word_*_lrp.png, words_lrp.png, relevance_lrp.npz). --out/index.html leads to all pages.

An image that fails is one line on stderr and costs no other. Exit codes: 0 all is well; 1 an image failed, or
no image has any of --words; 2 nothing could be started; 130 interrupted (go on with --resume).
"""

import dataclasses
import functools
import hashlib
import json
import pathlib
import platform
import sys
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

# Captions are filled up to a multiple of this, so that a batch needs few compilations.
LENGTH_STEP = 4
# Scenes are drawn once more, larger than the model sees them, for people: pixels of a side.
SCENE_SIZE = 480
# --against=rest is every other word; no word of a vocabulary is meant by it.
REST = "rest"


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
    method: tuple[str, ...] = ("lrp",)
    against: str | None = None
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
    check_against(run, options)
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


def explain_picture(
    run: Run, options: Options, picture: render.Picture, pixels: np.ndarray
) -> render.Case | render.Comparison | None:
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
    shown = render.presentable(pixels if picture.show is None else picture.show())

    def case(method: str) -> render.Case:
        explanation = explain.explain_image(
            run.captioner,
            run.params,
            seen,
            np.pad(tokens, (0, -count % LENGTH_STEP), constant_values=data.PAD),
            encoder=run.encoder,
            encoder_params=run.encoder_params,
            preprocessing=run.preprocessing,
            method=method,
            head=options.head,
            against=against(run, options),
            words_per_chunk=options.words_per_chunk,
        ).first(count)
        return render.Case(picture.name, shown, words, explanation, rows, notes=notes(options))

    cases = [case(method) for method in options.method]
    return cases[0] if len(cases) == 1 else render.Comparison(cases)


def notes(options: Options) -> list[str]:
    """Remarks for the reader of a page."""
    result = []
    if options.caption is not None:
        result.append("This caption was given; the model did not choose it.")
    if options.against is not None:
        other = "all other words" if options.against == REST else f"“{options.against}”"
        result.append(f"Explained is the lead of each word over {other}, and not its score alone.")
    return result


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


# --- which images -------------------------------------------------------------------------------------------


def find_pictures(images: str, out: str, run: Run) -> list[render.Picture]:
    """The image of a file, the images of a folder and all below it, or scenes of a split.

    Raises:
        CannotStartError: if there are none.
    """
    if images.startswith("scenes:"):
        return _scenes(images, run)
    try:
        # Not what an earlier run wrote, where --out lies in the folder of the images.
        pictures = render.pictures_at(images, data.load_image, skip=out)
    except FileNotFoundError:
        raise CannotStartError(f"--images={images}: no such file or folder") from None
    if not pictures:
        raise CannotStartError(f"--images={images}: no image in this folder, looked for {' '.join(render.SUFFIXES)}")
    return pictures


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


def check_against(run: Run, options: Options) -> None:
    """Refuses a contrast that no image could be explained with.

    Raises:
        CannotStartError: the model does not know the word of --against, or a method cannot contrast.
    """
    if options.against is None:
        return
    if options.against != REST and options.against not in run.vocabulary.ids:
        raise CannotStartError(
            f"--against={options.against}: the model does not know this word; wanted one that it knows, or {REST}"
        )
    unable = [name for name in options.method if not explain.METHODS[name].contrastive]
    if unable:
        raise CannotStartError(
            f"--against={options.against}: {', '.join(unable)} is the same whatever word is asked for; "
            "leave it out of --method"
        )


def against(run: Run, options: Options) -> int | str | None:
    """--against as the methods take it: the id of the word, or what it is."""
    return options.against if options.against in (None, REST) else run.vocabulary.ids[options.against]


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
        **describe_methods(options),
        "config": json.loads(json.dumps(config, default=str)),
        "versions": {
            "lrp_jax": lrp_jax.__version__,
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("jax", "flax", "numpy", "pillow")},
        },
    }


def describe_methods(options: Options) -> dict[str, Any]:
    """The settings and rules of the method; of several, by their names."""
    methods = [explain.METHODS[name] for name in options.method]
    settings = {method.name: repr(method) for method in methods}
    rules = {method.name: None if method.rules is None else str(method.rules) for method in methods}
    if len(methods) == 1:
        settings, rules = settings[options.method[0]], rules[options.method[0]]
    return {"settings": settings, "rules": rules}


def facts(provenance: dict[str, Any]) -> dict[str, str]:
    """The part of `describe` that a reader of the page may want."""
    result = {"model": provenance["model"]["captioner"], "encoder": provenance["model"]["encoder"]}
    result["checkpoint"] = provenance["checkpoint"]
    rules = provenance["rules"]
    if isinstance(rules, dict):
        result |= {f"rules of {name}": text for name, text in rules.items() if text}
    elif rules:
        result["rules"] = rules
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
    flags.DEFINE_list(
        "method", ["lrp"], f"How to explain; several, separated by commas, side by side: {', '.join(explain.METHODS)}."
    )
    flags.DEFINE_string(
        "against",
        None,
        f'Explain why each word and not this one, or "{REST}": and not any other. Default: the word alone.',
    )
    flags.DEFINE_integer("head", None, "Explain through this attention head only (MH-FC).")
    flags.DEFINE_list("format", list(render.FORMATS), f"What to write: {', '.join(render.FORMATS)}.")
    flags.DEFINE_integer("max_length", 20, "Most tokens of a decoded caption.", lower_bound=1)
    flags.DEFINE_integer(
        "words_per_chunk", None, "Words that share a backward pass; fewer take less memory.", lower_bound=1
    )
    flags.DEFINE_bool("resume", False, "Leave alone what an earlier run with the same flags has finished.")
    flags.register_validator(
        "method",
        lambda names: bool(names) and set(names) <= set(explain.METHODS) and len(set(names)) == len(names),
        f"wanted one or more of {', '.join(explain.METHODS)}, each once",
    )
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
    values["format"], values["method"] = tuple(values["format"]), tuple(values["method"])
    if values["against"] is not None:
        values["against"] = " ".join(data.tokenize(values["against"]))
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
