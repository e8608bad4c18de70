"""The command `lrp-jax`: finds the verb and lets it do the rest."""

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
    "inspect": "say what a source of captioned images holds",
    "convert": "convert bottom-up features into a store",
}
INSTALL = 'pip install "lrp_jax[captions]"'
NOT_STARTED = 2


def main(arguments: Sequence[str] | None = None, program: str = "lrp-jax") -> int:
    """Runs a verb.

    Args:
      arguments: the verb and its arguments; None: those of the command line.
      program: what errors and usage call the program.

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
    if verb in ("inspect", "convert"):  # they say what they leave out; an import may have set logging up already
        logging.basicConfig(level=logging.INFO, format="%(message)s", force=True)
    return module.main(program if program.endswith(".py") else f"{program} {verb}", rest)


def usage() -> str:
    """What the command can do."""
    lines = [f"  lrp-jax {verb:9s} {what}" for verb, what in VERBS.items()]
    lines += ["", "lrp-jax VERB --help says more; lrp-jax --version gives the version."]
    if importlib.util.find_spec("flax") is None:
        lines += ["", f"Only the library is installed; the verbs need more: {INSTALL}"]
    return "\n".join(["usage: lrp-jax VERB [...]", "", *lines])
