"""What can be checked of ids and captions that somebody gives: JAX clamps or drops an index that is out of range."""

import numpy as np
from jaxtyping import Array, Int

from lrp_jax.captions.words.vocabulary import END, PAD, START


def check_caption(tokens: Int[Array, "*B T1"], size: int, *, words: int = 1) -> Int[np.ndarray, "*B T1"]:
    """Captions as ids, refused unless they are the start token, words, at most one end token, and padding.

    Args:
      tokens: of one caption, or of several that are padded to one length.
      size: of the vocabulary that the ids belong to.
      words: how many tokens a caption has at least after the start token, its end token included.

    Returns:
      The tokens, in numpy.

    Raises:
      ValueError: no integers, or outside of the vocabulary; the start token is not first, or comes again; something
        follows the end token, or padding; fewer words.
    """
    tokens = check_ids("token", tokens, size)
    for row in tokens.reshape(-1, tokens.shape[-1] if tokens.ndim else 1) if tokens.size else [tokens.ravel()]:
        fault = _fault(row, words)
        if fault:
            shown = ", ".join(map(str, row[:12].tolist())) + (", ..." if len(row) > 12 else "")
            raise ValueError(f"got tokens [{shown}]: {fault}")
    return tokens


def check_ids(name: str, ids: Int[Array, "*n"], size: int) -> Int[np.ndarray, "*n"]:
    """Ids of words, refused where the vocabulary has none.

    Args:
      name: of one of them, for the message.
      ids: what was given.
      size: of the vocabulary.

    Returns:
      The ids, in numpy.

    Raises:
      ValueError: no integers, or not from 0 to size - 1.
    """
    ids = _integers(f"{name}s", ids)
    outside = ids[(ids < 0) | (ids >= size)]
    if outside.size:
        raise ValueError(
            f"got {name} {outside.flat[0]}; wanted ids from 0 to {size - 1}, of the {size} words of this captioner"
        )
    return ids


def check_index(name: str, index: Int[Array, "*n"], count: int) -> Int[np.ndarray, "*n"]:
    """Indices as numpy takes them: -1 is the last.

    Args:
      name: what they are, for the message.
      index: one or many.
      count: how many things there are.

    Returns:
      The indices from 0 on.

    Raises:
      ValueError: no integers, or not from -count to count - 1.
    """
    index = _integers(name, index)
    outside = index[(index < -count) | (index >= count)]
    if outside.size:
        raise ValueError(f"got {name}={outside.flat[0]}; wanted 0 to {count - 1}, or -1 to {-count} from the last on")
    return np.where(index < 0, index + count, index)


def _integers(name: str, ids) -> np.ndarray:
    ids = np.asarray(ids)
    if not np.issubdtype(ids.dtype, np.integer) and ids.size:
        raise ValueError(f"got {name} of type {ids.dtype}; wanted integers")
    return ids if ids.size else ids.astype(int)


def _fault(row: Int[np.ndarray, " T1"], words: int) -> str:
    """What is wrong with a caption, and what to do; "" if nothing is."""
    if not row.size or row[0] != START:
        return f"wanted the start token {START} first, as in [{START}, *vocabulary.encode(caption)]"
    again = np.flatnonzero(row[1:] == START)
    if again.size:
        return f"the start token {START} comes again at position {again[0] + 1}; wanted one, at position 0"
    ended = np.flatnonzero((row == END) | (row == PAD))
    first = ended[0] if ended.size else len(row)
    after = np.flatnonzero(row[first + 1 :] != PAD)
    if after.size:
        what = f"the end token {END}" if row[first] == END else f"padding {PAD}"
        return f"{what} at position {first} is followed by {row[first + 1 + after[0]]}; wanted nothing but {PAD} there"
    count = first - 1 + (first < len(row) and row[first] == END)
    if count < words:
        return f"wanted at least {words} {'word' if words == 1 else 'words'} after the start token"
    return ""
