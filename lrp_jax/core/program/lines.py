"""Where in the user's code an operation stands: source line and name scope."""

import dataclasses
import os
from typing import Any

import jax

# Frames in these folders belong to the machinery; the line that a person can change is the first one outside.
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_PACKAGES = tuple(
    os.sep + os.path.join("site-packages", name) + os.sep
    for name in ("jax", "jaxlib", "flax", "equinox", "haiku", "chex")
)
_JAX = os.path.dirname(os.path.abspath(jax.__file__)) + os.sep


@dataclasses.dataclass(frozen=True)
class Place:
    """An operation's place.

    Attributes:
      line: `file:line (function)` of the user's code, or "" where the traceback is not known.
      scope: the name stack (`jax.named_scope`, Linen module paths), parts joined by "/".
    """

    line: str = ""
    scope: str = ""

    @staticmethod
    def of(eqn: Any, outer: "Place | None" = None, borrowed: bool = False) -> "Place":
        """The place of an equation, inside the body of a call at `outer`.

        `borrowed` says that the body is a library's: jax keeps traces of `jnp.cumprod` and its like, so the lines in
        them are those of whoever called it first, and the line of this call is what a person can change.
        """
        outer = outer or Place()
        scope = "/".join(part for part in (outer.scope, str(eqn.source_info.name_stack)) if part)
        line = "" if borrowed else _user_line(eqn.source_info.traceback)
        return Place(line or outer.line, scope)

    def __str__(self) -> str:
        return " in ".join(part for part in (self.line, self.scope) if part) or "an unknown line"


def is_borrowed(jaxpr: Any) -> bool:
    """Whether the function that a jaxpr was traced from is a library's."""
    info = getattr(jaxpr.debug_info, "func_src_info", None) or ""
    return not _is_users(info.partition(" at ")[2])


def _user_line(traceback: Any) -> str:
    for frame in traceback.frames if traceback is not None else ():
        if _is_users(frame.file_name):
            return f"{frame.file_name}:{frame.line_num} ({frame.function_name})"
    return ""


def _is_users(file: str) -> bool:
    return not (file.startswith((_OURS, _JAX)) or any(p in file for p in _PACKAGES))
