"""The command `lrp-jax`: runs the verb given on the command line."""

import difflib
import importlib
import importlib.util
import logging
import sys
from collections.abc import Sequence

VERBS = {
    "explain": "explain the captions of pictures, as pages, heat maps and arrays, or in the browser",
    "train": "train a captioner",
    "evaluate": "measure a trained captioner: the tables and figures of the paper",
    "demo": "train a small captioner on drawn scenes and explain its words, in minutes",
    "inspect": "describe a source of captioned images",
    "convert": "convert bottom-up features into a store",
}
INSTALL = 'pip install "lrp_jax[captions]"'
NOT_STARTED = 2


def main(arguments: Sequence[str] | None = None, program: str = "lrp-jax") -> int:
    """Runs a verb.

    Args:
      arguments: the verb and its arguments; None for those of the command line.
      program: the program's name in error messages and usage.

    Returns:
      The exit code; verbs may end the process themselves.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if arguments[0] == "--version":
        from lrp_jax import __version__

        print(f"lrp_jax {__version__}")
        return 0
    verb, *rest = arguments
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, VERBS, 1)
        hint = f"did you mean {near[0]}?" if near else f"wanted one of {', '.join(VERBS)}"
        print(f"{program}: got {verb!r}; {hint}", file=sys.stderr)
        return NOT_STARTED
    try:
        module = importlib.import_module(f"lrp_jax.cli.{verb}")
    except ModuleNotFoundError as error:
        if (error.name or "lrp_jax").partition(".")[0] == "lrp_jax":
            raise
        print(f"{program} {verb}: {error.name} is not installed; {INSTALL}", file=sys.stderr)
        return NOT_STARTED
    if verb in ("inspect", "convert"):  # they log what they leave out; an import may have configured logging already
        logging.basicConfig(level=logging.INFO, format="%(message)s", force=True)
    return module.main(program if program.endswith(".py") else f"{program} {verb}", rest)


def usage() -> str:
    """The help text of the command."""
    lines = [f"  lrp-jax {verb:9s} {what}" for verb, what in VERBS.items()]
    lines += ["", "See lrp-jax VERB --help for a verb's options, lrp-jax --version for the version."]
    if importlib.util.find_spec("flax") is None:
        lines += ["", f"Only the library is installed. The verbs need: {INSTALL}"]
    return "\n".join(["usage: lrp-jax VERB [...]", "", *lines])
