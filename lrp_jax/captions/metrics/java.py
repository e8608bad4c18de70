"""Programs of others that run under Java: found or not, with a time limit, and never left running."""

import os
import pathlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence


class MissingPartError(RuntimeError):
    """Something that a measure needs is not installed; the message is one line that says what to install."""


class JavaError(RuntimeError):
    """A program under Java failed or took too long."""


def java() -> str:
    """The command that starts Java.

    Raises:
      MissingPartError: there is none.
    """
    found = shutil.which("java")
    if found is None:
        raise MissingPartError("there is no Java: install one, such as Debian's default-jre-headless")
    return found


def run(
    arguments: Sequence[str],
    *,
    folder: pathlib.Path,
    text: str = "",
    seconds: float,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Runs a program under Java to its end.

    Args:
      arguments: what follows `java`.
      folder: where it runs.
      text: what it reads.
      seconds: it is ended after that many.
      environment: variables besides those of this process.

    Returns:
      What it wrote.

    Raises:
      MissingPartError: there is no Java.
      JavaError: it failed, or took too long.
    """
    try:
        done = subprocess.run(
            [java(), *arguments],
            input=text.encode(),
            capture_output=True,
            cwd=folder,
            timeout=seconds,
            env=os.environ | dict(environment or {}),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise JavaError(f"java {' '.join(arguments[:3])} ... was ended after {seconds:g} s") from None
    if done.returncode:
        raise JavaError(f"java {' '.join(arguments[:3])} ... failed: {last_line(done.stderr.decode(errors='replace'))}")
    return done.stdout.decode()


def last_line(text: str) -> str:
    """The last line that says something, for a message of one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
