"""Runs third-party Java programs with a time limit, and never leaves one running."""

import os
import pathlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence


class MissingPartError(RuntimeError):
    """A dependency of a measure is not installed; the message is one line that says what to install."""


class JavaError(RuntimeError):
    """A Java program failed or took too long."""


def java() -> str:
    """The path of the `java` command.

    Raises:
      MissingPartError: Java is not installed.
    """
    found = shutil.which("java")
    if found is None:
        raise MissingPartError("there is no Java: install it, for example Debian's default-jre-headless")
    return found


def run(
    arguments: Sequence[str],
    *,
    folder: pathlib.Path,
    text: str = "",
    seconds: float,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Runs a Java program and waits for it to end.

    Args:
      arguments: the command line after `java`.
      folder: the working directory.
      text: its standard input.
      seconds: the time limit, after which it is killed.
      environment: variables added to those of this process.

    Returns:
      Its standard output.

    Raises:
      MissingPartError: Java is not installed.
      JavaError: the program failed, or took too long.
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
        raise JavaError(f"java {' '.join(arguments[:3])} ... was stopped after {seconds:g} s") from None
    if done.returncode:
        raise JavaError(f"java {' '.join(arguments[:3])} ... failed: {last_line(done.stderr.decode(errors='replace'))}")
    return done.stdout.decode()


def last_line(text: str) -> str:
    """The last line that is not blank, for a message of one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no error output"
