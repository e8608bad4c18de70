"""Explains captions: the parts of the picture and the text that each word is
based on.

Examples:

  Without training, with the small captioner for drawn scenes that ships with
  the package:
    lrp-jax explain
    lrp-jax explain photo.png

  All words of one photograph, captioned by the model of a training run:
    lrp-jax explain --checkpoint=runs/demo --images=photo.jpg --out=out

  In the browser, picture by picture, with the model's captions or your own:
    lrp-jax explain --checkpoint=runs/demo --serve

  Folders, files and patterns; two words only; the page and the raw arrays:
    lrp-jax explain --checkpoint=runs/demo --images="photos,more/*.jpg" \\
      --out=out --words="dog,ball" --format=html,npz

  What would have supported another caption:
    lrp-jax explain --checkpoint=runs/demo --images=photo.jpg --out=out \\
      --caption="a cat on a sofa"

  Drawn scenes, by four methods side by side, continuing where an earlier run
  stopped:
    lrp-jax explain --checkpoint=runs/demo --images=scenes:test_broken:0-19 \\
      --out=out --method=lrp,grad_cam,occlusion,attention --resume

  Why "dog" and not "cat":
    lrp-jax explain --checkpoint=runs/demo --images=photo.jpg --out=out \\
      --words=dog --against=cat

  Thousands of images in two processes, which write one index (the other one
  gets --process=1):
    lrp-jax explain --checkpoint=runs/demo --images=photos --out=out \\
      --resume --processes=2 --process=0

  For another program: one JSON object per line on stdout, the summary last:
    lrp-jax explain --checkpoint=runs/demo --images=photos --out=out --json

  A captioner that the paper's authors published, instead of one trained here
  (see docs/WEIGHTS.md):
    lrp-jax explain --captioner_weights=checkpoint.pth \\
      --vocabulary=wordmap_flickr30k.json --images=photo.jpg --out=out

  A captioner of bottom-up features, explained in the regions of a detector
  (see docs/BOTTOM_UP.md):
    lrp-jax explain --checkpoint=runs/ada_bu --images=photos \\
      --bottom_up=features --out=out

Each image gets a folder in --out with report.html (the page), word_*.png and
words.png (heat maps), relevance.npz (the raw arrays) and record.json (numbers,
versions, config and rules; always written). With several methods the page
shows them side by side, and heat maps and arrays have one file for each method
(word_*_lrp.png, words_lrp.png, relevance_lrp.npz). --out/index.html links to
all pages.

An image that fails gives one line on stderr; the other images are still
explained (docs/EXPLAINING.md).

Exit codes:
  0    success; also of --serve, which Ctrl-C ends
  1    an image failed, the disk is full, or no image has any of --words
  2    nothing could be started
  130  interrupted: continue with --resume
  141  stdout was closed by its reader
"""

import dataclasses
import functools
import json
import pathlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags
from tqdm import tqdm

from lrp_jax.captions import explain
from lrp_jax.captions.pages.batch import EXPLAINED, SKIPPED, Done, explain_batch, one_line
from lrp_jax.captions.pages.explained import REST, Question, QuestionError, begin_picture, caption_pictures, check
from lrp_jax.captions.pages.pictures import find_pictures
from lrp_jax.captions.pages.provenance import facts, provenance
from lrp_jax.captions.pages.writers import FORMATS
from lrp_jax.captions.runs.encoders import IMPORTERS
from lrp_jax.captions.runs.folder import load_run
from lrp_jax.captions.runs.loading import with_regions
from lrp_jax.captions.runs.published import load_published
from lrp_jax.captions.runs.scene_captioner import SHIPPED, load_scene_captioner
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.weights import PUBLISHED
from lrp_jax.captions.words import words_of
from lrp_jax.cli.common import (
    NOT_STARTED,
    SOME_FAILED,
    CannotStartError,
    Output,
    define_common_flags,
    run_command,
    run_verb,
)

# Images that are captioned together. Each keeps the arrays of its forward pass until it is explained: 110 MB for VGG16.
TOGETHER = 4
# The default images: scenes that the captioner of the package has not seen.
FIRST_SCENES = "scenes:test_broken:0-5"
ONLY_SCENES = (
    "The small captioner that ships with lrp_jax was used. It was trained on drawn scenes only and has no other words, "
    "so it cannot describe a photograph. Train a captioner with `lrp-jax train`, and give it with --checkpoint."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options(Question):
    """The options of the command line, see `define_flags`."""

    images: str | tuple[str, ...] = ()
    out: str = "out"
    checkpoint: str | None = None
    captioner_weights: str | None = None
    vocabulary: str | None = None
    encoder_weights: str | None = None
    encoder: str | None = None
    image_size: int | None = None
    bottom_up: str | None = None
    format: tuple[str, ...] = FORMATS
    resume: bool = False
    processes: int = 1
    process: int = 0


# No result depends on these options, so they may differ when an interrupted batch is resumed.
OF_NO_RESULT = dict.fromkeys(("images", "out", "resume", "processes", "process"), "")


def explain_all(options: Options, output: Output | None = None) -> int:
    """Explains every image and writes its files; returns the exit code, see `explain_batch`."""
    return run_batch(options, output or Output())[0]


def run_batch(options: Options, output: Output) -> tuple[int, dict[str, Any]]:
    """Explains every image and writes its files; returns the exit code and the summary.

    Raises:
        CannotStartError: no image can be explained; raised before the first one.
    """
    if options.process >= options.processes:
        raise CannotStartError(f"--process={options.process}: wanted 0 to {options.processes - 1}, see --processes")
    check_out(pathlib.Path(options.out))
    speaker = load(options)
    images = options.images or default_images(options)
    others: list[str] = []
    try:
        pictures = find_pictures(images, options.out, speaker, others)
    except ValueError as error:
        named = images if isinstance(images, str) else ",".join(images)
        raise CannotStartError(f"--images={named}: {error}") from None
    check_question(speaker, options)
    made_by = provenance(speaker, options.method)
    share = (options.process, options.processes)
    mine = len(pictures[share[0] :: share[1]])
    with tqdm(total=mine, unit="image", disable=None, leave=False) as bar:
        outcome = explain_batch(
            pictures,
            functools.partial(begin_picture, speaker, options, remarks=remarks(speaker)),
            options.out,
            formats=options.format,
            facts=facts(made_by),
            provenance=made_by,
            key=json.dumps([made_by, dataclasses.asdict(options) | OF_NO_RESULT]).encode(),
            resume=options.resume,
            prepare=functools.partial(caption_pictures, speaker, options),
            together=TOGETHER,
            share=share,
            tell=functools.partial(tell, output, bar),
        )
    outcome.others = others
    where = pathlib.Path(options.out) / ("index.html" if "html" in options.format else "")
    print(f"{outcome}; see {where}", flush=True)
    return 0 if outcome.complete else SOME_FAILED, {**dataclasses.asdict(outcome), "see": str(where)}


def tell(output: Output, bar: tqdm, done: Done) -> None:
    """Prints the outcome of an image, as text and as JSON."""
    if str(done):
        output.line(str(done), done.error)
    record = {"image": done.name, "status": done.status}
    if done.status in (EXPLAINED, SKIPPED):
        record["folder"] = str(done.folder)
    if done.caption:
        record["caption"] = done.caption
    if done.error is not None:
        record["error"] = one_line(done.error)
    output.tell(record)
    bar.update()


def check_out(out: pathlib.Path) -> None:
    """Creates the folder of the results.

    Raises:
        CannotStartError: it cannot be created, or is not writable.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStartError(f"--out={out}: cannot create this folder ({error.strerror})") from None
    try:
        with tempfile.TemporaryFile(dir=out) as file:
            file.write(b"whether there is room for a byte")
    except OSError as error:
        raise CannotStartError(f"--out={out}: cannot write in this folder ({error.strerror})") from None


def default_images(options: Options) -> str:
    """The images without --images: scenes, for the captioner that ships with the package."""
    if options.checkpoint or options.captioner_weights:
        raise CannotStartError("wanted --images=FILE, a folder, a pattern or scenes:SPLIT, or --serve")
    print(f"no --images: explaining drawn scenes, {FIRST_SCENES}", flush=True)
    return FIRST_SCENES


def check_question(speaker: Speaker, options: Options) -> None:
    """Checks the question, and prints which of its words the model does not know.

    Raises:
        CannotStartError: no picture can be explained with this question.
    """
    try:
        for remark in check(speaker, options):
            print(f"--{remark}", flush=True)
    except QuestionError as error:
        raise CannotStartError(f"--{error}") from None


# --- the models ---------------------------------------------------------------------------------------------

FILES = ("captioner_weights", "vocabulary", "encoder_weights", "encoder", "image_size")  # instead of --checkpoint


def load(options: Options) -> Speaker:
    """The captioner, from a training run, from files of weights or from the package.

    Raises:
        CannotStartError: the flags name both a run and files, or a file cannot be used.
    """
    given = [name for name in FILES if getattr(options, name)]
    if options.checkpoint and given:
        raise CannotStartError(f"got --checkpoint and --{given[0]}: wanted a training run or files of weights")
    missing = [f"--{name}=FILE" for name in FILES[:2] if name not in given]
    if given and missing:
        raise CannotStartError(f"got --{given[0]}: wanted {' and '.join(missing)} as well")
    speaker = _published(options) if given else _by_name(options.checkpoint)
    folder = options.bottom_up or speaker.config.get("bottom_up", "")
    try:
        return with_regions(speaker, options.bottom_up)
    except (OSError, ValueError) as error:
        raise CannotStartError(f"--bottom_up={folder}: {one_line(error)}") from error


def _by_name(checkpoint: str | None) -> Speaker:
    if not checkpoint:
        return load_scene_captioner()
    try:
        return load_run(checkpoint)
    except Exception as error:  # damaged files raise any error in the libraries that read them
        raise CannotStartError(f"--checkpoint={checkpoint}: {one_line(error)}") from error


def _published(options: Options) -> Speaker:
    try:
        return load_published(
            options.captioner_weights,
            options.vocabulary,
            encoder_weights=options.encoder_weights,
            encoder=options.encoder,
            image_size=options.image_size or 224,
            bottom_up=options.bottom_up,
        )
    except Exception as error:  # damaged files raise any error in the libraries that read them
        raise CannotStartError(f"--{one_line(error)}") from error


def remarks(speaker: Speaker) -> list[str]:
    """Notes about the models for every page."""
    return [ONLY_SCENES] if speaker.origin.get("checkpoint") == SHIPPED else []


# --- in the browser -----------------------------------------------------------------------------------------


def serve(options: Options, host: str, port: int, output: Output) -> tuple[int, Mapping[str, Any]]:
    """Serves the page for the browser until it is interrupted; pictures are uploaded there.

    Raises:
        CannotStartError: the models cannot be loaded, or the port is in use.
    """
    if options.images:
        raise CannotStartError("got --serve and --images: pictures come from the browser, leave --images out")
    from lrp_jax.captions.serve import inspection  # imported here: a batch of pictures needs no server

    speaker = load(options)
    check_question(speaker, options)
    made_by = provenance(speaker, options.method)
    try:
        with inspection.inspector(speaker, options, remarks(speaker), facts(made_by), host=host, port=port) as server:
            if not server.is_local:
                print(f"--host={host}: everyone who can reach this machine can use the page", file=sys.stderr)
            print(f"serving {server.address} until Ctrl-C", flush=True)
            output.tell({"serving": server.address})
            server.run()
    except OSError as error:
        why = error.strerror or error
        raise CannotStartError(f"--host={host} --port={port}: {why}; --port=0 uses any free port") from None
    return 0, {"served": server.address}


# --- the command line ---------------------------------------------------------------------------------------


def define_flags() -> None:
    flags.DEFINE_string("checkpoint", None, "Folder of a training run (its --workdir).")
    flags.DEFINE_string(
        "captioner_weights",
        None,
        "A checkpoint of the paper's authors, instead of --checkpoint: a file, or hf:OWNER/REPO/FILE. With neither, "
        "the small captioner for drawn scenes that ships with the package.",
    )
    flags.DEFINE_string("vocabulary", None, "The words of --captioner_weights: the authors' word map, JSON.")
    flags.DEFINE_string(
        "encoder_weights",
        None,
        "Weights of its encoder, if not in the same file: a file, hf:OWNER/REPO/FILE[@REVISION][#sha256=HEX], or "
        f"{', '.join(PUBLISHED)}.",
    )
    flags.DEFINE_enum("encoder", None, list(IMPORTERS), "Kind of --encoder_weights; default: from the arrays.")
    flags.DEFINE_integer("image_size", None, "Side of this encoder's input in pixels; 224.", lower_bound=32)
    flags.DEFINE_string(
        "bottom_up",
        None,
        "Bottom-up features of the images, for a captioner that needs them: a folder written by "
        "`lrp-jax convert`. Default: the features that it was trained on.",
    )
    flags.DEFINE_multi_string(
        "images",
        [],
        "An image file, a folder (with its subfolders), a pattern such as photos/*.jpg, or "
        "scenes:SPLIT:INDICES for drawn scenes, e.g. scenes:test_broken:0-19; without INDICES the whole split. "
        "Separate several by commas, or repeat the flag.",
    )
    flags.DEFINE_string("out", "out", "Folder for the results; created if missing.")
    flags.DEFINE_list("words", [], "Explain only these words of the caption, separated by commas.")
    flags.DEFINE_string("caption", None, "Explain this caption instead of the model's own.")
    flags.DEFINE_list(
        "method", ["lrp"], f"Methods, separated by commas, shown side by side: {', '.join(explain.METHODS)}."
    )
    flags.DEFINE_string(
        "against",
        None,
        f'Explain each word against this one, or with "{REST}" against all others. Default: the word alone.',
    )
    flags.DEFINE_integer("head", None, "Explain through this attention head only (MH-FC).")
    flags.DEFINE_list("format", list(FORMATS), f"Files to write: {', '.join(FORMATS)}.")
    flags.DEFINE_integer("beam", 3, "Beam width for decoding captions; 1 is greedy.", lower_bound=1)
    flags.DEFINE_integer("max_length", 20, "Maximum number of tokens of a decoded caption.", lower_bound=1)
    flags.DEFINE_integer(
        "words_per_chunk", None, "Words that share a backward pass; fewer take less memory.", lower_bound=1
    )
    flags.DEFINE_bool("resume", False, "Skip images that an earlier run with the same flags has finished.")
    flags.DEFINE_integer("processes", 1, "Number of processes that share the images.", lower_bound=1)
    flags.DEFINE_integer("process", 0, "Index of this process, from 0.", lower_bound=0)
    flags.DEFINE_bool("serve", False, "Serve a page for the browser, where pictures are uploaded, until Ctrl-C.")
    flags.DEFINE_string("host", "127.0.0.1", "Address of --serve; unless loopback, other machines can use the page.")
    flags.DEFINE_integer("port", 8000, "Port of --serve; 0 for any free port.", lower_bound=0, upper_bound=65535)
    define_common_flags()
    flags.register_validator(
        "method",
        lambda names: bool(names) and set(names) <= set(explain.METHODS) and len(set(names)) == len(names),
        f"wanted one or more of {', '.join(explain.METHODS)}, each once",
    )
    # Of punctuation alone no word would be left, which would mean all words.
    flags.register_validator("words", lambda words: not words or any(map(words_of, words)), "wanted words, got none")
    flags.register_validator(
        "format",
        lambda names: bool(names) and set(names) <= set(FORMATS),
        f"wanted one or more of {', '.join(FORMATS)}",
    )


def main(program: str, arguments: Sequence[str]) -> int:
    """Runs the verb; ends the process."""
    define_flags()
    return run_verb(__name__, [program, *arguments], _main)


def _main(argv: list[str]) -> int:
    values = {field.name: getattr(flags.FLAGS, field.name) for field in dataclasses.fields(Options)}
    values["words"] = tuple(token for word in values["words"] for token in words_of(word))
    values["images"] = (*values["images"], *argv[1:])
    values |= {name: tuple(values[name]) for name in ("format", "method")}
    if values["against"] is not None:
        values["against"] = " ".join(words_of(values["against"]))
    options = Options(**values)

    def work(output: Output) -> tuple[int, Mapping[str, Any]]:
        if flags.FLAGS.serve:
            return serve(options, flags.FLAGS.host, flags.FLAGS.port, output)
        return run_batch(options, output)

    return run_command(argv[:1], work, continue_hint="continue with --resume", codes={CannotStartError: NOT_STARTED})
