"""What a file of `torch.save` holds in place of named tensors, in words, and how to save what is wanted."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

_SHOWN = 4  # names of tensors
_MOST = 10_000  # modules that are looked at; a file may nest them without end


def holds_module(saved: Any) -> bool:
    """Whether a whole module is in a saved object, at its top or one level below."""
    return any(_is_module(value) for _, value in _parts(saved))


def describe(saved: Any) -> str:
    """What a saved object holds, such as "epoch, encoder (a whole module, Encoder: conv.weight, conv.bias)"."""
    if not isinstance(saved, Mapping):
        return _describe_value(saved) or f"a {type(saved).__name__}"
    found = []
    for name, value in _parts(saved):
        words = _describe_value(value)
        found.append(f"{name} ({words})" if words else str(name))
    return ", ".join(found) or "nothing"


def advice(saved: Any, file: str) -> str:
    """The two lines that save the tensors of the modules in a file, to be run where the code of their classes is."""
    parts = [name for name, value in _parts(saved) if _is_module(value)]
    load = f"saved = torch.load({file!r}, weights_only=False)"
    if not isinstance(saved, Mapping):
        return f"{load}; torch.save(saved.state_dict(), 'state_dict.pth')"
    if len(parts) == 1:
        return f"{load}; torch.save(saved[{parts[0]!r}].state_dict(), '{parts[0]}.pth')"
    return f"{load}; [torch.save(saved[name].state_dict(), name + '.pth') for name in {parts!r}]"


def tensor_names(module: Any) -> list[str]:
    """The names that `state_dict()` of a whole module would have, as far as they can be seen without its code."""
    names, waiting, seen = [], [("", module)], set()
    while waiting and len(seen) < _MOST:
        prefix, one = waiting.pop()
        if id(one) in seen or not _is_module(one):
            continue
        seen.add(id(one))
        state = one.state
        passing = state.get("_non_persistent_buffers_set")
        for group in ("_parameters", "_buffers"):
            for name, value in _items(state.get(group)):
                if value is not None and not (isinstance(passing, set) and name in passing):
                    names.append(f"{prefix}{name}")
        inner = [(f"{prefix}{name}.", value) for name, value in _items(state.get("_modules"))]
        waiting += reversed(inner)
    return names


def _parts(saved: Any) -> Iterator[tuple[Any, Any]]:
    yield from saved.items() if isinstance(saved, Mapping) else [("", saved)]


def _items(group: Any) -> Iterator[tuple[Any, Any]]:
    yield from group.items() if isinstance(group, Mapping) else []


def _is_module(value: Any) -> bool:
    state = getattr(value, "state", None)
    return isinstance(state, Mapping) and ("_parameters" in state or "_modules" in state)


def _describe_value(value: Any) -> str:
    if _is_module(value):
        names = tensor_names(value)
        listed = ", ".join(names[:_SHOWN]) + (f", ... {len(names)} in all" if len(names) > _SHOWN else "")
        return f"a whole module, {type(value).__qualname__}{listed and ': '}{listed}"
    if isinstance(value, Mapping):
        arrays = sum(isinstance(item, np.ndarray) for item in value.values())
        return f"{arrays} tensors" if arrays else ""
    return ""
