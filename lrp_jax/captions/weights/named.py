"""Checks named arrays against a table of expected shapes.

A table maps a name to a symbolic shape, "4H E+H": each axis is a capital letter with an optional factor, a number,
or a sum of these. The values of the letters are read from the arrays.
"""

import collections
import re
from collections.abc import Iterable, Mapping, Sequence

import jax.numpy as jnp
import numpy as np

_TERM = re.compile(r"(\d*)([A-Z]?)")


def read_sizes(arrays: Mapping[str, np.ndarray], table: Mapping[str, str]) -> dict[str, int]:
    """The value of each letter, by majority over the arrays, so that a single wrong array is reported as wrong.

    Only axes of a single letter are used ("H", "4H"); in a tie the first in the table wins.
    """
    votes = collections.defaultdict(collections.Counter)
    for name, symbols in table.items():
        axes = symbols.split()
        if name not in arrays or arrays[name].ndim != len(axes):
            continue
        for axis, size in zip(axes, arrays[name].shape, strict=True):
            match = _TERM.fullmatch(axis)
            if match and match[2] and size % int(match[1] or 1) == 0:
                votes[match[2]][size // int(match[1] or 1)] += 1
    return {letter: counter.most_common(1)[0][0] for letter, counter in votes.items()}


def wanted_shape(symbols: str, sizes: Mapping[str, int]) -> tuple[int | None, ...]:
    """The shape of a symbolic table entry; None for an unknown size."""
    return tuple(_axis(axis, sizes) for axis in symbols.split())


def _axis(axis: str, sizes: Mapping[str, int]) -> int | None:
    total = 0
    for term in axis.split("+"):
        factor, letter = _TERM.fullmatch(term).groups()
        if letter and letter not in sizes:
            return None
        total += int(factor or 1) * (sizes[letter] if letter else 1)
    return total


def problems_with(arrays: Mapping[str, np.ndarray], table: Mapping[str, str], sizes: Mapping[str, int]) -> list[str]:
    """What is missing, unexpected or of the wrong shape: one phrase for each of the three, none if all is correct."""
    missing, wrong = [], []
    for name, symbols in table.items():
        wanted = wanted_shape(symbols, sizes)
        if name not in arrays:
            missing.append(f"{name} {_brackets(wanted)}")
        elif not _fits(arrays[name].shape, wanted):
            wrong.append(f"{name} is {_brackets(arrays[name].shape)}, wanted {_brackets(wanted)}")
    unexpected = [f"{name} {_brackets(a.shape)}" for name, a in arrays.items() if name not in table]
    named = {"missing": missing, "unexpected": unexpected, "wrong shape": wrong}
    return [f"{kind}: {', '.join(names)}" for kind, names in named.items() if names]


def raise_any(problems: Sequence[str], model: str, sizes: Mapping[str, int]) -> None:
    """Raises one ValueError that lists all problems and the sizes that were read; does nothing if there are none."""
    if problems:
        read = ", ".join(f"{letter}={size}" for letter, size in sorted(sizes.items())) or "none"
        raise ValueError(f"not the weights of {model} (sizes read: {read}): {'; '.join(problems)}")


def as_numpy(arrays: Mapping[str, object]) -> dict[str, np.ndarray]:
    """All arrays as NumPy arrays of one dtype: float64 if any of them is float64, else float32."""
    converted = {name: np.asarray(a) for name, a in arrays.items()}
    no_numbers = [f"{name} ({a.dtype})" for name, a in converted.items() if not _is_real(a.dtype)]
    if no_numbers:
        raise TypeError(f"these arrays are not numeric: {', '.join(no_numbers)}; pass arrays of floats")
    dtype = np.float64 if any(a.dtype == np.float64 for a in converted.values()) else np.float32
    return {name: a.astype(dtype, copy=False) for name, a in converted.items()}


def _is_real(dtype: np.dtype) -> bool:
    # JAX knows that bfloat16 is a float; NumPy does not.
    return dtype.kind in "iuf" or jnp.issubdtype(dtype, jnp.floating)


def nested(leaves: Mapping[str, np.ndarray]) -> dict:
    """A tree of parameters from leaves named by their paths: {"fc.bias": b} -> {"fc": {"bias": b}}."""
    tree: dict = {}
    for path, leaf in leaves.items():
        *parents, last = path.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = jnp.asarray(leaf)
    return tree


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(w in (None, s) for s, w in zip(shape, wanted, strict=True))


def _brackets(shape: Iterable[int | None]) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"
