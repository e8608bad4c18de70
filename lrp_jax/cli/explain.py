"""Explains captions: what in picture and text made the model say each word.

Examples:

  At once, before any training, with the small captioner of drawn scenes that
  ships with the package:
    lrp-jax explain
    lrp-jax explain photo.png

  All words of one photograph, captioned by the model of a training run:
    lrp-jax explain --checkpoint=runs/demo --images=photo.jpg --out=out

  In the browser, one picture after the other, with captions of your own:
    lrp-jax explain --checkpoint=runs/demo --serve

  Folders, files and patterns; two words only; the page and the raw arrays:
    lrp-jax explain --checkpoint=runs/demo --images="photos,more/*.jpg" \\
      --out=out --words="dog,ball" --format=html,npz

  What would have spoken for another caption:
    lrp-jax explain --checkpoint=runs/demo --images=photo.jpg --out=out \\
      --caption="a cat on a sofa"

  Drawn scenes, by four methods side by side, going on where an earlier run
  stopped:
    lrp-jax explain --checkpoint=runs/demo --images=scenes:test_broken:0-19 \\
      --out=out --method=lrp,grad_cam,occlusion,attention --resume

  Why "dog" and not "cat":
    lrp-jax explain --checkpoint=runs/demo --images=photo.jpg --out=out \\
      --words=dog --against=cat

  Thousands of images by two processes, which write one index (the other one
  has --process=1):
    lrp-jax explain --checkpoint=runs/demo --images=photos --out=out \\
      --resume --processes=2 --process=0

  For another program: one JSON object a line on stdout, the summary last:
    lrp-jax explain --checkpoint=runs/demo --images=photos --out=out --json

  A captioner that the paper's authors published, instead of one trained here
  (see docs/WEIGHTS.md):
    lrp-jax explain --captioner_weights=checkpoint.pth \\
      --vocabulary=wordmap_flickr30k.json --images=photo.jpg --out=out

  A captioner of bottom-up features, in the regions that a detector found (see
  docs/BOTTOM_UP.md):
    lrp-jax explain --checkpoint=runs/ada_bu --images=photos \\
      --bottom_up=features --out=out

Each image gets a folder in --out with report.html (the page), word_*.png and
words.png (heat maps), relevance.npz (the raw arrays) and record.json (numbers,
versions, config and rules; always written). With several methods the page
shows them side by side, and heat maps and arrays have one file for each method
(word_*_lrp.png, words_lrp.png, relevance_lrp.npz). --out/index.html leads to
all pages.

An image that fails is one line on stderr and costs no other
(docs/EXPLAINING.md).

Exit codes:
  0    all is well; also of --serve, which is ended by Ctrl-C
  1    an image failed, the disk is full, or no image has any of --words
  2    nothing could be started
  130  interrupted: go on with --resume
  141  nobody reads stdout any more
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
from lrp_jax.cli.manners import NOT_STARTED, SOME_FAILED, CannotStartError, Voice, conduct, define_manners, run_verb

# Images that are captioned together. Each keeps what its forward pass left until it is explained: 110 MB for VGG16.
TOGETHER = 4
# What is explained if nothing is named: scenes that the captioner of the package has not seen.
FIRST_SCENES = "scenes:test_broken:0-5"
ONLY_SCENES = (
    "The small captioner that ships with lrp_jax was used. It has seen drawn scenes only: what it says of a photograph "
    "is made of the words for these. Train a captioner with `lrp-jax train`, and name it with --checkpoint."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options(Question):
    """What was asked on the command line, see `define_flags`."""

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


# Of these no result depends, so that an interrupted batch may go on with others.
OF_NO_RESULT = dict.fromkeys(("images", "out", "resume", "processes", "process"), "")


def explain_all(options: Options, voice: Voice | None = None) -> int:
    """Explains every image and writes its files; returns the exit code, see `explain_batch`."""
    return run_batch(options, voice or Voice())[0]


def run_batch(options: Options, voice: Voice) -> tuple[int, dict[str, Any]]:
    """Explains every image and writes its files; returns the exit code and the summary.

    Raises:
        CannotStartError: before the first image, if none could succeed.
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
            tell=functools.partial(tell, voice, bar),
        )
    outcome.others = others
    where = pathlib.Path(options.out) / ("index.html" if "html" in options.format else "")
    print(f"{outcome}; see {where}", flush=True)
    return 0 if outcome.complete else SOME_FAILED, {**dataclasses.asdict(outcome), "see": str(where)}


def tell(voice: Voice, bar: tqdm, done: Done) -> None:
    """Says what became of an image, to people and to machines."""
    if str(done):
        voice.line(str(done), done.error)
    record = {"image": done.name, "status": done.status}
    if done.status in (EXPLAINED, SKIPPED):
        record["folder"] = str(done.folder)
    if done.caption:
        record["caption"] = done.caption
    if done.error is not None:
        record["error"] = one_line(done.error)
    voice.tell(record)
    bar.update()


def check_out(out: pathlib.Path) -> None:
    """Makes the folder of the results.

    Raises:
        CannotStartError: it cannot be made, or nothing can be written there.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStartError(f"--out={out}: cannot make this folder ({error.strerror})") from None
    try:
        with tempfile.TemporaryFile(dir=out) as file:
            file.write(b"whether there is room for a byte")
    except OSError as error:
        raise CannotStartError(f"--out={out}: cannot write in this folder ({error.strerror})") from None


def default_images(options: Options) -> str:
    """What is explained without --images: scenes, for the captioner that knows nothing else."""
    if options.checkpoint or options.captioner_weights:
        raise CannotStartError("wanted --images=FILE, a folder, a pattern or scenes:SPLIT, or --serve")
    print(f"no --images: drawn scenes are explained, {FIRST_SCENES}", flush=True)
    return FIRST_SCENES


def check_question(speaker: Speaker, options: Options) -> None:
    """Says what the model does not know of what is asked.

    Raises:
        CannotStartError: no picture could be explained like this.
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
        CannotStartError: if the flags name both a run and files, or what they name cannot be used.
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
    except Exception as error:  # whatever a damaged file makes of the libraries that read it
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
    except Exception as error:  # whatever a damaged file makes of the libraries that read it
        raise CannotStartError(f"--{one_line(error)}") from error


def remarks(speaker: Speaker) -> list[str]:
    """What a reader of the pages has to know of the models."""
    return [ONLY_SCENES] if speaker.origin.get("checkpoint") == SHIPPED else []


# --- in the browser -----------------------------------------------------------------------------------------


def serve(options: Options, host: str, port: int, voice: Voice) -> tuple[int, Mapping[str, Any]]:
    """Shows the page in the browser, with pictures from there, until it is interrupted.

    Raises:
        CannotStartError: the models cannot be loaded, or the port is taken.
    """
    if options.images:
        raise CannotStartError("--serve takes its pictures from the browser: leave --images out")
    from lrp_jax.captions.serve import inspection  # here: a batch of pictures needs no server

    speaker = load(options)
    check_question(speaker, options)
    made_by = provenance(speaker, options.method)
    try:
        with inspection.inspector(speaker, options, remarks(speaker), facts(made_by), host=host, port=port) as server:
            if not server.is_local:
                print(f"--host={host}: whoever can reach this machine can use the page", file=sys.stderr)
            print(f"serving {server.address} until Ctrl-C", flush=True)
            voice.tell({"serving": server.address})
            server.run()
    except OSError as error:
        why = error.strerror or error
        raise CannotStartError(f"--host={host} --port={port}: {why}; --port=0 takes any that is free") from None
    return 0, {"served": server.address}


# --- the command line ---------------------------------------------------------------------------------------


def define_flags() -> None:
    flags.DEFINE_string("checkpoint", None, "Folder of a training run (its --workdir).")
    flags.DEFINE_string(
        "captioner_weights",
        None,
        "A captioner as the paper's authors saved it, instead of --checkpoint: a file, or hf:OWNER/REPO/FILE. With "
        "neither, the small captioner of drawn scenes that ships with the package.",
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
        "Bottom-up features of the images, for a captioner of such: a folder that `lrp-jax convert` "
        "wrote. Default: those that it was trained on.",
    )
    flags.DEFINE_multi_string(
        "images",
        [],
        "An image file, a folder (with all folders below it), a pattern such as photos/*.jpg, or "
        "scenes:SPLIT:INDICES for drawn scenes, e.g. scenes:test_broken:0-19; without INDICES the whole split. "
        "Several are separated by commas, or named by a flag each.",
    )
    flags.DEFINE_string("out", "out", "Folder for the results; made if missing.")
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
    flags.DEFINE_list("format", list(FORMATS), f"What to write: {', '.join(FORMATS)}.")
    flags.DEFINE_integer("beam", 3, "Width of the beam that finds a caption; 1 is greedy.", lower_bound=1)
    flags.DEFINE_integer("max_length", 20, "Most tokens of a decoded caption.", lower_bound=1)
    flags.DEFINE_integer(
        "words_per_chunk", None, "Words that share a backward pass; fewer take less memory.", lower_bound=1
    )
    flags.DEFINE_bool("resume", False, "Leave alone what an earlier run with the same flags has finished.")
    flags.DEFINE_integer("processes", 1, "How many processes share the images.", lower_bound=1)
    flags.DEFINE_integer("process", 0, "Which of them this is, from 0.", lower_bound=0)
    flags.DEFINE_bool("serve", False, "Show the page in the browser and take pictures from there, until Ctrl-C.")
    flags.DEFINE_string("host", "127.0.0.1", "Address that --serve listens at; any other can be used by others too.")
    flags.DEFINE_integer("port", 8000, "Port of --serve; 0: any that is free.", lower_bound=0, upper_bound=65535)
    define_manners()
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

    def work(voice: Voice) -> tuple[int, Mapping[str, Any]]:
        if flags.FLAGS.serve:
            return serve(options, flags.FLAGS.host, flags.FLAGS.port, voice)
        return run_batch(options, voice)

    return conduct(argv[:1], work, go_on="go on with --resume", codes={CannotStartError: NOT_STARTED})
