"""Weight files in the package: an npz with the arrays and their metadata, a JSON string under `about`."""

import importlib.resources
import json
import os
from typing import Any

import numpy as np


def read_packaged(
    name: str, path: str | os.PathLike | None = None, *, what: str, maker: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The metadata of a file, and its arrays by name.

    Args:
      name: of a file of the package, in lrp_jax/captions/weights/data.
      path: another file instead.
      what: what the file holds, for error messages.
      maker: the module that writes such files, for error messages.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file has another format.
    """
    if path is None:
        path = importlib.resources.files("lrp_jax.captions.weights").joinpath("data", name)
        with path.open("rb") as stream:
            return _split(stream, f"{path} is no {what}: wanted an npz written by {maker}")
    return _split(path, f"{path} is no {what}: wanted an npz written by {maker}")


def _split(source: Any, otherwise: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    file = np.load(source, allow_pickle=False)
    if not isinstance(file, np.lib.npyio.NpzFile) or "about" not in file.files:
        raise ValueError(otherwise)
    with file:
        arrays = dict(file)
    return json.loads(str(arrays.pop("about"))), arrays
