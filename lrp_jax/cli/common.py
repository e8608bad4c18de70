"""Code shared by the verbs: common flags, output streams, exit codes."""

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

# Exit codes; docs/EXPLAINING.md and the --help of each script explain them.
DONE, SOME_FAILED, NOT_STARTED, INTERRUPTED, BROKEN_PIPE, STOPPED = 0, 1, 2, 130, 141, 143

flags.disclaim_key_flags()  # flags defined here belong to the --help of the script that defines them


class CannotStartError(Exception):
    """An error that affects the whole command; the message is one line for the user."""


@dataclasses.dataclass(frozen=True)
class Output:
    """The output of a script: what is printed, and to which stream.

    Attributes:
      quiet: print errors only.
      verbose: print also the log of the libraries, and tracebacks of errors.
      json: print JSON on stdout, one object per line, and everything else on stderr.
      stdout: the original stdout.
    """

    quiet: bool = False
    verbose: bool = False
    json: bool = False
    stdout: TextIO = dataclasses.field(default_factory=lambda: sys.stdout)

    def tell(self, record: Mapping[str, Any]) -> None:
        """Prints a record as JSON, if `json` is set."""
        if self.json:
            print(json.dumps(record, default=str), file=self.stdout, flush=True)

    def line(self, text: str, error: BaseException | None = None) -> None:
        """Prints a line of text above the progress bar, if there is one; to stderr if there is an error."""
        tqdm.write(text, file=sys.stdout if error is None else sys.stderr)
        (sys.stdout if error is None else sys.stderr).flush()
        if error is not None and self.verbose:
            tqdm.write("".join(traceback.format_exception(error)), file=sys.stderr)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Redirects everything printed in the block as `quiet` and `json` ask."""
        with contextlib.ExitStack() as stack:
            if self.quiet:
                nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
                stack.enter_context(contextlib.redirect_stdout(nowhere))
                stack.enter_context(contextlib.redirect_stderr(_NoTerminal(sys.stderr)))
            elif self.json:
                stack.enter_context(contextlib.redirect_stdout(sys.stderr))
            yield


class _NoTerminal:
    """A stream that is not a terminal, so that no progress bars are shown."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def isatty(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def define_common_flags() -> None:
    """Defines --quiet, --verbose and --json."""
    flags.DEFINE_bool("quiet", False, "Print errors only.")
    flags.DEFINE_bool("verbose", False, "Print also the log of the libraries, and tracebacks of errors.")
    flags.DEFINE_bool("json", False, "Print JSON on stdout, one object per line, and everything else on stderr.")
    flags.mark_bool_flags_as_mutual_exclusive(["quiet", "verbose"])


def run_verb(module: str, argv: Sequence[str], work: Callable[[list[str]], int]) -> int:
    """Parses the flags of a verb, calls `work` with the remaining arguments, and ends the process.

    Args:
      module: the name of the module that defined the flags; its docstring is the help text.
      argv: the program's name, then its arguments.
      work: returns the exit code.
    """
    # absl reads the program from sys.argv, which has the arguments of the script that was started.
    sys.argv = list(argv)
    return app.run(work, argv=list(argv), flags_parser=lambda argv: parse_flags(argv, module))


def parse_flags(argv: Sequence[str], module: str = __name__) -> list[str]:
    """absl's parser, for `app.run`: a wrong flag gives one line, and --help shows the flags of `module`."""
    if _HELP & set(argv):
        try:
            print(f"{sys.modules[module].__doc__.strip()}\n\nFlags:\n\n{_flags_of(module)}")
            sys.exit(DONE)
        except BrokenPipeError:
            sys.exit(_discard_output())
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
    """Prints one line and ends a script that cannot start."""
    print(f"{os.path.basename(script)}: {message}", file=sys.stderr)
    sys.exit(NOT_STARTED)


def run_command(
    argv: Sequence[str],
    work: Callable[[Output], tuple[int, Mapping[str, Any]]],
    *,
    continue_hint: str,
    codes: Mapping[type[Exception], int],
) -> int:
    """Runs the work of a script with the output that its flags ask for, and returns the exit code.

    With --json, the last line on stdout is {"summary": {"exit_code": ..., ...}}, with "error" if the work failed.

    Args:
      argv: the arguments without flags, the script's name first.
      work: takes an `Output`, returns the exit code and the entries of the summary.
      continue_hint: how to continue after an interruption, for the message.
      codes: exit codes of errors that are shown as one line, the first match is used; any other error is a bug, and
        its traceback is shown.
    """
    script, values = os.path.basename(argv[0]), flags.FLAGS
    if sys.stdout is None:  # closed before the start; this one is never closed
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):  # a character outside the terminal's encoding must not raise
        sys.stdout.reconfigure(errors="backslashreplace")
    output = Output(values.quiet, values.verbose, values.json)
    if not values["verbosity"].present:  # the checkpoint library logs every step
        logging.set_verbosity(logging.INFO if output.verbose else logging.WARNING)
    if len(argv) > 1:
        refuse(script, f"got {argv[1]!r}, wanted flags only, of the form --name=value. See --help.")
    summary: Mapping[str, Any]
    with output.listening():
        try:
            code, summary = work(output)
        except KeyboardInterrupt:
            code, summary = INTERRUPTED, {"error": "interrupted"}
            print(f"interrupted; {continue_hint}", file=sys.stderr)
        except BrokenPipeError:  # the reader of stdout has exited, as head does
            return _discard_output()
        except Exception as error:
            code = next((code for kind, code in codes.items() if isinstance(error, kind)), None)
            if code is None:
                output.tell({"summary": {"exit_code": SOME_FAILED, "error": one_line(error)}})
                raise
            summary = {"error": " ".join(str(error).split()) or type(error).__name__}
            output.line(f"{script}: {summary['error']}", error)
    output.tell({"summary": {"exit_code": code, **summary}})
    return code


def _discard_output() -> int:
    """Discards the rest of the output, so that Python does not report a broken pipe at exit; returns the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())
    return BROKEN_PIPE
