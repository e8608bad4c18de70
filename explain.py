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

  A captioner that the paper's authors published, instead of one trained here (see docs/WEIGHTS.md):
    python explain.py --captioner_weights=checkpoint.pth --vocabulary=wordmap_flickr30k.json \\
      --images=photo.jpg --out=out

  A captioner of bottom-up features, in the regions that a detector found (see docs/BOTTOM_UP.md):
    python explain.py --checkpoint=runs/ada_bu --images=photos --bottom_up=features --out=out

Each image gets a folder in --out with report.html (the page), word_*.png and words.png (heat maps),
relevance.npz (the raw arrays) and record.json (numbers, versions, config and rules; always written).
With several methods the page shows them side by side, and heat maps and arrays have one file for each method
(word_*_lrp.png, words_lrp.png, relevance_lrp.npz). --out/index.html leads to all pages.

An image that fails is one line on stderr and costs no other. Exit codes: 0 all is well; 1 an image failed, or
no image has any of --words; 2 nothing could be started; 130 interrupted (go on with --resume).
"""

import dataclasses
import functools
import json
import pathlib
import sys

import jax
import numpy as np
from absl import app, flags, logging

from lrp_jax import data, explain, render
from lrp_jax.data.bottom_up import Regions, RegionStore
from lrp_jax.explain.view import View
from lrp_jax.models.decoding import Beam, decode
from lrp_jax.pictures import find_pictures
from lrp_jax.provenance import facts, provenance
from lrp_jax.training import Run, load_run
from lrp_jax.training.encoders import IMPORTERS
from lrp_jax.training.published import load_published
from lrp_jax.weights import PUBLISHED

# Captions are filled up to a multiple of this, so that a batch needs few compilations.
LENGTH_STEP = 4
# --against=rest is every other word; no word of a vocabulary is meant by it.
REST = "rest"


class CannotStartError(Exception):
    """Something is wrong that concerns every image; the message is one line for the user."""


@dataclasses.dataclass(frozen=True)
class Options:
    """What was asked on the command line, see `define_flags`."""

    images: str
    out: str
    checkpoint: str | None = None
    captioner_weights: str | None = None
    vocabulary: str | None = None
    encoder_weights: str | None = None
    encoder: str | None = None
    image_size: int | None = None
    bottom_up: str | None = None
    words: tuple[str, ...] = ()
    caption: str | None = None
    method: tuple[str, ...] = ("lrp",)
    against: str | None = None
    head: int | None = None
    format: tuple[str, ...] = render.FORMATS
    beam: int = 3
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
    run, origin = load(options)
    store = open_store(run, options)
    try:
        pictures = find_pictures(options.images, options.out, run)
    except ValueError as error:
        raise CannotStartError(f"--images={options.images}: {error}") from None
    check_words(run, options)
    check_against(run, options)
    made_by = provenance(run, origin, options.method)
    outcome = render.explain_batch(
        pictures,
        functools.partial(explain_picture, run, store, options),
        options.out,
        formats=options.format,
        facts=facts(made_by),
        provenance=made_by,
        key=json.dumps([made_by, dataclasses.asdict(options) | {"images": "", "out": "", "resume": False}]).encode(),
        resume=options.resume,
    )
    where = pathlib.Path(options.out) / ("index.html" if "html" in options.format else "")
    print(f"{outcome}; see {where}")
    return int(bool(outcome.failed) or outcome.empty == len(pictures))


# --- the models ---------------------------------------------------------------------------------------------

FILES = ("captioner_weights", "vocabulary", "encoder_weights", "encoder", "image_size")  # instead of --checkpoint


def load(options: Options) -> tuple[Run, dict[str, object]]:
    """The models, from a training run or from files of weights, and where they came from for the record.

    Raises:
        CannotStartError: if the flags name neither, or both, or what they name cannot be used.
    """
    given = [name for name in FILES if getattr(options, name)]
    if options.checkpoint:
        if given:
            raise CannotStartError(f"got --checkpoint and --{given[0]}: wanted a training run or files of weights")
        return _load_run(options.checkpoint)
    missing = [f"--{name}=FILE" for name in FILES[:2] if name not in given]
    if not given:
        raise CannotStartError(f"wanted --checkpoint=FOLDER of a training run, or {' and '.join(missing)}")
    if missing:
        raise CannotStartError(f"got --{given[0]}: wanted {' and '.join(missing)} as well")
    try:
        run = load_published(
            options.captioner_weights,
            options.vocabulary,
            encoder_weights=options.encoder_weights,
            encoder=options.encoder,
            image_size=options.image_size or 224,
            bottom_up=options.bottom_up,
        )
    except Exception as error:  # whatever a damaged file makes of the libraries that read it
        raise CannotStartError(f"--{render.one_line(error)}") from error
    return run, {"weights": run.config.weights.to_dict()}


def _load_run(folder: str) -> tuple[Run, dict[str, object]]:
    try:
        run = load_run(folder)
    except Exception as error:
        raise CannotStartError(f"--checkpoint={folder}: {render.one_line(error)}") from error
    return run, {"checkpoint": folder}


def open_store(run: Run, options: Options) -> RegionStore | None:
    """The features of the pictures, for a captioner whose features are computed elsewhere.

    Raises:
        CannotStartError: they are not there, do not fit the captioner, or are not wanted.
    """
    if run.encoder is not None:
        if options.bottom_up:
            raise CannotStartError(f"--bottom_up={options.bottom_up}: this captioner has an encoder, leave it out")
        return None
    folder = options.bottom_up or run.config.bottom_up
    try:
        store = RegionStore(folder)
    except (OSError, ValueError) as error:
        raise CannotStartError(f"--bottom_up={folder}: {render.one_line(error)}") from error
    reads = run.params["params"]["image_projection"]["kernel"].shape[0]
    if store.d != reads:
        raise CannotStartError(f"--bottom_up={folder}: has features of size {store.d}, the captioner reads {reads}")
    return store


# --- one image ----------------------------------------------------------------------------------------------


def explain_picture(
    run: Run, store: RegionStore | None, options: Options, picture: render.Picture, pixels: np.ndarray
) -> render.Case | render.Comparison | None:
    """Captions one image, or takes the caption given, and explains its words.

    Args:
        run, store, options: the models, features of other encoders, what was asked for.
        picture: the image.
        pixels: of the image, at the size that the encoder wants where there is one.

    Returns:
        What to draw, or None if none of the wanted words occurs in the caption.
    """
    if store is None:
        seen = pixels
        features = encode(run, seen)
    else:
        seen = find_regions(store, picture)
        features = seen.features
    tokens = caption(run, features, options)
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
        padded = np.pad(tokens, (0, -count % LENGTH_STEP), constant_values=data.PAD)
        how = {
            "method": method,
            "head": options.head,
            "against": against(run, options),
            "words_per_chunk": options.words_per_chunk,
        }
        if store is None:
            explanation = explain.explain_image(
                run.captioner,
                run.params,
                seen,
                padded,
                encoder=run.encoder,
                encoder_params=run.encoder_params,
                preprocessing=run.preprocessing,
                **how,
            )
        else:
            explanation = explain.explain_features(run.captioner, run.params, features, padded, boxes=seen.boxes, **how)
        explanation = explanation.first(count)
        return render.Case(picture.name, shown, words, explanation, rows, boxes=explanation.boxes, notes=notes(options))

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


def find_regions(store: RegionStore, picture: render.Picture) -> Regions:
    """The regions of a picture, by the name of its file."""
    name = pathlib.PurePath(picture.name).stem
    if name not in store:
        raise ValueError(f"{store.folder} has no features of {name!r}; it has such as {', '.join(store.ids[:2])}")
    return store[name]


def encode(run: Run, image: np.ndarray) -> jax.Array:
    """The features [n_v, d_raw] of an image."""
    return View(run.encoder, run.encoder_params, explain.preprocess(image, run.preprocessing)).encode()


def caption(run: Run, features: jax.Array, options: Options) -> np.ndarray:
    """The caption's token ids: the start token, then the words given or decoded, no end token."""
    if options.caption is not None:
        return np.array([data.START, *run.vocabulary.encode(options.caption)])
    captions = decode(Beam(width=options.beam, max_length=options.max_length), run.captioner, run.params, features)
    tokens = np.asarray(captions.tokens[0])
    words = tokens[(tokens != data.END) & (tokens != data.PAD)]
    if not words.size:
        raise ValueError("the model ends its caption before the first word: there is nothing to explain")
    return np.concatenate([[data.START], words])


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


def _listed(words: list[str]) -> str:
    return ", ".join(map(repr, dict.fromkeys(words)))


# --- the command line ---------------------------------------------------------------------------------------


def define_flags() -> None:
    flags.DEFINE_string("checkpoint", None, "Folder of a training run (its --workdir).")
    flags.DEFINE_string(
        "captioner_weights",
        None,
        "A captioner as the paper's authors saved it, instead of --checkpoint: a file, or hf:OWNER/REPO/FILE.",
    )
    flags.DEFINE_string("vocabulary", None, "The words of --captioner_weights: the authors' word map, JSON.")
    flags.DEFINE_string(
        "encoder_weights",
        None,
        "Its encoder, if that is not in the same file: a file, hf:OWNER/REPO/FILE[@REVISION][#sha256=HEX], or "
        f"{', '.join(PUBLISHED)}.",
    )
    flags.DEFINE_enum("encoder", None, list(IMPORTERS), "What --encoder_weights are; default: told from the arrays.")
    flags.DEFINE_integer("image_size", None, "Pixels of a side that this encoder sees; 224.", lower_bound=32)
    flags.DEFINE_string(
        "bottom_up",
        None,
        "Bottom-up features of the images, for a captioner of such: a folder that python -m lrp_jax.data.bottom_up "
        "wrote. Default: those that it was trained on.",
    )
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
    flags.DEFINE_integer("beam", 3, "Width of the beam that finds a caption; 1 is greedy.", lower_bound=1)
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
