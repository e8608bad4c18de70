"""What the verbs have in common: shared flags, what is printed where, exit codes."""

import contextlib
import dataclasses
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, TextIO

from absl import app, flags, logging
from tqdm import tqdm

from lrp_jax.captions.pages.batch import one_line

# Exit codes; docs/EXPLAINING.md and the --help of each script have them in words.
DONE, SOME_FAILED, NOT_STARTED, INTERRUPTED, UNHEARD, STOPPED = 0, 1, 2, 130, 141, 143

flags.disclaim_key_flags()  # what is defined here is shown by the --help of the script that asks for it


class CannotStartError(Exception):
    """Something is wrong that concerns everything that was asked for; the message is one line for the user."""


@dataclasses.dataclass(frozen=True)
class Voice:
    """Where a script says what.

    Attributes:
      quiet: nothing but what goes wrong is said.
      verbose: the libraries speak too, and an error comes with its traceback.
      json: stdout is for JSON, one object a line; everything else goes to stderr.
      stdout: the true one.
    """

    quiet: bool = False
    verbose: bool = False
    json: bool = False
    stdout: TextIO = dataclasses.field(default_factory=lambda: sys.stdout)

    def tell(self, record: Mapping[str, Any]) -> None:
        """Prints a record for machines, if they listen."""
        if self.json:
            print(json.dumps(record, default=str), file=self.stdout, flush=True)

    def line(self, text: str, error: BaseException | None = None) -> None:
        """Prints a line for people above a progress bar, if there is one: to stderr if something went wrong."""
        tqdm.write(text, file=sys.stdout if error is None else sys.stderr)
        (sys.stdout if error is None else sys.stderr).flush()
        if error is not None and self.verbose:
            tqdm.write("".join(traceback.format_exception(error)), file=sys.stderr)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """What is printed in the block goes where it belongs, whoever prints it."""
        with contextlib.ExitStack() as stack:
            if self.quiet:
                nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
                stack.enter_context(contextlib.redirect_stdout(nowhere))
                stack.enter_context(contextlib.redirect_stderr(_NoTerminal(sys.stderr)))
            elif self.json:
                stack.enter_context(contextlib.redirect_stdout(sys.stderr))
            yield


class _NoTerminal:
    """A stream that is no terminal, so that progress bars, which are for terminals, stay away."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def isatty(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def define_manners() -> None:
    """Defines --quiet, --verbose and --json."""
    flags.DEFINE_bool("quiet", False, "Print nothing but what goes wrong.")
    flags.DEFINE_bool("verbose", False, "Print also what the libraries report, and where in the code an error arose.")
    flags.DEFINE_bool("json", False, "Print JSON on stdout, one object a line, and all else on stderr.")
    flags.mark_bool_flags_as_mutual_exclusive(["quiet", "verbose"])


def run_verb(module: str, argv: Sequence[str], work: Callable[[list[str]], int]) -> int:
    """Parses the flags of a verb and calls `work` with what they leave of the command line; ends the process.

    Args:
      module: the name of the module that defined the flags; its docstring is the help text.
      argv: the program's name, then its arguments.
      work: returns the exit code.
    """
    # What absl reads of the running program is about the script that was started, which may be any.
    sys.argv = list(argv)
    return app.run(work, argv=list(argv), flags_parser=lambda argv: parse_flags(argv, module))


def parse_flags(argv: Sequence[str], module: str = __name__) -> list[str]:
    """absl's parser, for `app.run`: a wrong flag is one line, and --help shows the flags of `module`."""
    if _HELP & set(argv):
        try:
            print(f"{sys.modules[module].__doc__.strip()}\n\nFlags:\n\n{_flags_of(module)}")
            sys.exit(DONE)
        except BrokenPipeError:
            sys.exit(_unheard())
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        said = " ".join(str(error).split())
        refuse(argv[0], f"{said}{'' if said[-1] in '.?!' else '.'} See --help.")


_HELP = {"-h", "-help", "--help", "--helpfull", "--helpshort", "-?"}


def _flags_of(module: str) -> str:
    """The help of a module's flags, without the heading."""
    return flags.FLAGS.module_help(module).partition("\n")[2]


def refuse(script: str, message: str) -> NoReturn:
    """Ends a script that cannot start, with a line."""
    print(f"{os.path.basename(script)}: {message}", file=sys.stderr)
    sys.exit(NOT_STARTED)


def conduct(
    argv: Sequence[str],
    work: Callable[[Voice], tuple[int, Mapping[str, Any]]],
    *,
    go_on: str,
    codes: Mapping[type[Exception], int],
) -> int:
    """Does the work of a script as its flags ask for, and returns the exit code.

    The last line on stdout is, with --json, {"summary": {"exit_code": ..., ...}}, also where the work could not be
    done; then it has "error".

    Args:
      argv: what the flags left, the script's name first.
      work: given a voice, returns the exit code and what the summary says.
      go_on: what to do after an interruption.
      codes: exit codes of the errors that are a line for the user, the first that fits; any other error is a bug, and
        its traceback is shown.
    """
    script, values = os.path.basename(argv[0]), flags.FLAGS
    if sys.stdout is None:  # it was closed before the start; this stays open to the end
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that a terminal has no letters for is no reason to end
        sys.stdout.reconfigure(errors="backslashreplace")
    voice = Voice(values.quiet, values.verbose, values.json)
    if not values["verbosity"].present:  # the checkpoint library tells its whole life
        logging.set_verbosity(logging.INFO if voice.verbose else logging.WARNING)
    if len(argv) > 1:
        refuse(script, f"got {argv[1]!r}, wanted flags only, of the form --name=value. See --help.")
    summary: Mapping[str, Any]
    with voice.listening():
        try:
            code, summary = work(voice)
        except KeyboardInterrupt:
            code, summary = INTERRUPTED, {"error": "interrupted"}
            print(f"interrupted; {go_on}", file=sys.stderr)
        except BrokenPipeError:  # whoever read the output has gone, as head does: there is nobody to tell
            return _unheard()
        except Exception as error:
            code = next((code for kind, code in codes.items() if isinstance(error, kind)), None)
            if code is None:
                voice.tell({"summary": {"exit_code": SOME_FAILED, "error": one_line(error)}})
                raise
            summary = {"error": " ".join(str(error).split()) or type(error).__name__}
            voice.line(f"{script}: {summary['error']}", error)
    voice.tell({"summary": {"exit_code": code, **summary}})
    return code


def _unheard() -> int:
    """Lets what is still to be printed go nowhere, so that Python does not complain about it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())
    return UNHEARD
