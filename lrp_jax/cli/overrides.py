"""Checks the settings on the command line of `lrp-jax train`: their names and their types."""

import ast
import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import ml_collections

from lrp_jax.captions.runs.configs import config_file, settings_of
from lrp_jax.captions.runs.settings import SettingsError

_OVERRIDE = re.compile(r"--?(no)?config\.([\w.]+)(\[\d+\])?(?:=(.*))?", re.DOTALL)
_BOOLS = {"true", "false", "t", "f", "1", "0", "yes", "no", "y", "n"}


class OverrideError(ValueError):
    """A wrong setting on the command line; the message names it, and the most similar setting or the wanted type."""


def base_config(argv: Sequence[str]) -> ml_collections.ConfigDict | None:
    """The settings of the config file, without overrides; None if the command line names no config.

    Raises:
      OverrideError: there is no such file, or it does not return settings.
    """
    named = [text.partition("=")[2] for text in argv[1:] if re.match(r"--?config=", text)]
    named += [path for flag, path in itertools.pairwise(argv) if flag in ("--config", "-config")]
    if not named:
        return None
    path = named[-1]
    try:
        config = settings_of(path)
    except SettingsError as error:
        raise OverrideError(f"--config={path}: {str(error).partition(': ')[2]}") from error
    except Exception as error:  # a config is a Python file, which can raise any error
        where = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise OverrideError(
            f"--config={path}: {type(error).__name__}{where}: {' '.join(str(error).split())}"
        ) from error
    if not isinstance(config, ml_collections.ConfigDict):
        raise OverrideError(f"--config={path}: got a {type(config).__name__} from get_config, wanted a ConfigDict")
    return config


def with_config_files(argv: Sequence[str]) -> list[str]:
    """The command line with the name of the config replaced by the path of its file."""
    result, follows = [], False
    for argument in argv:
        flag, equals, value = argument.partition("=")
        if follows:
            argument = _with_path(argument)
        elif flag in ("--config", "-config") and equals:
            argument = f"{flag}={_with_path(value)}"
        follows = argument in ("--config", "-config")
        result.append(argument)
    return result


def _with_path(spec: str) -> str:
    name, colon, argument = spec.partition(":")
    return f"{config_file(name)}{colon}{argument}"


def check_overrides(argv: Sequence[str], config: ml_collections.ConfigDict) -> None:
    """Refuses --config.NAME=VALUE if the config has no such setting, or one of another type.

    Raises:
      OverrideError: names the most similar setting, or the wanted type.
    """
    settings = dict(_flat(config))
    for name, is_item, text in _overrides(argv, settings):
        if name not in settings:
            # The last part of a name counts again: long names with the same prefix are otherwise too similar.
            nearest = max(settings, key=lambda known: _likeness(name, known))
            raise OverrideError(f"the config has no setting {name!r}; did you mean {nearest!r}?")
        problem = None if is_item or text is None else _problem(settings[name], text)
        if problem:
            raise OverrideError(f"--config.{name}={text}: wanted {problem}")


def _flat(config: ml_collections.ConfigDict, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Settings and groups of settings by their dotted names."""
    for name, value in config.items():
        yield prefix + name, value
        if isinstance(value, ml_collections.ConfigDict):
            yield from _flat(value, f"{prefix}{name}.")


def _overrides(argv: Sequence[str], settings: dict[str, Any]) -> Iterator[tuple[str, bool, str | None]]:
    """Yields the name, whether it is an item of a tuple, and the value's text (None for a bare --config.NAME)."""
    arguments = list(argv[1:])
    if "--" in arguments:
        arguments = arguments[: arguments.index("--")]
    for argument, following in zip(arguments, [*arguments[1:], None], strict=True):
        found = _OVERRIDE.fullmatch(argument)
        if not found:
            continue
        no, name, item, text = found.groups()
        if text is None and not no and not isinstance(settings.get(name), bool):
            text = following
        yield name, item is not None, text


def _likeness(name: str, known: str) -> float:
    whole = difflib.SequenceMatcher(None, name, known).ratio()
    last = difflib.SequenceMatcher(None, name.rpartition(".")[2], known.rpartition(".")[2]).ratio()
    return whole + last


def _problem(default: Any, text: str) -> str | None:
    """What was wanted instead of the text, or None if the text is valid."""
    if isinstance(default, ml_collections.ConfigDict):
        return f"one of its own settings, {', '.join(default)}"
    if isinstance(default, bool):
        return None if text.lower() in _BOOLS else "true or false"
    if isinstance(default, int | float):
        parse, kind = (lambda t: int(t, 0), "a whole number") if isinstance(default, int) else (float, "a number")
        try:
            parse(text)
        except ValueError:
            return f"{kind}, such as {default}"
    if isinstance(default, tuple | list) and default:
        try:
            parts = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            parts = [part.strip() for part in text.split(",")]
        parts = parts if isinstance(parts, tuple | list) else (parts,)
        if not all(isinstance(part, type(default[0])) for part in parts):
            return f"values such as {','.join(map(str, default))}"
    return None
