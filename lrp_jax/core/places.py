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
    def of(eqn: Any, outer_scope: str = "") -> "Place":
        """The place of an equation whose enclosing call has the scope `outer_scope`."""
        inner = str(eqn.source_info.name_stack)
        scope = "/".join(part for part in (outer_scope, inner) if part)
        return Place(_user_line(eqn.source_info.traceback), scope)

    def __str__(self) -> str:
        return " in ".join(part for part in (self.line, self.scope) if part) or "an unknown line"


def _user_line(traceback: Any) -> str:
    for frame in traceback.frames if traceback is not None else ():
        file = frame.file_name
        if not (file.startswith((_OURS, _JAX)) or any(p in file for p in _PACKAGES)):
            return f"{file}:{frame.line_num} ({frame.function_name})"
    return ""
