"""Reads named arrays from the file formats in which weights are published."""

import os
import pathlib

import numpy as np

from lrp_jax.captions.weights.fetch import weights_file
from lrp_jax.captions.weights.torch_file import read_torch_file, state_dict


def read_weights(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The named arrays of a file; the suffix decides the format. Nothing in the file is executed.

    | suffix | written by | names |
    |---|---|---|
    | .npz | NumPy | of the arrays |
    | .pth, .pt, .tar, .bin | PyTorch, any version | of the state dict, or of "state_dict" or "model" inside |
    | .safetensors | timm, Hugging Face | of the tensors |
    | .h5, .hdf5 | Keras | layer and variable, "block1_conv1/kernel" |

    The prefix `module.`, which torch's DataParallel adds to all names, is removed.

    Args:
      path: the file, or an address on the Hugging Face hub, see `weights_file`.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: an unknown suffix, a damaged file, a file without arrays, (`ChecksumError`) a SHA-256 other than
        expected, or (`UnsafeFileError`) a pickle that calls anything but tensor constructors.
    """
    path = weights_file(path)
    readers = {
        ".npz": _npz,
        ".pth": _torch,
        ".pt": _torch,
        ".tar": _torch,
        ".bin": _torch,
        ".safetensors": _safetensors,
        ".h5": _keras,
        ".hdf5": _keras,
    }
    if path.suffix.lower() not in readers:
        raise ValueError(f"{path}: got suffix {path.suffix!r}; wanted one of {', '.join(readers)}")
    arrays = readers[path.suffix.lower()](path)
    if not arrays:
        raise ValueError(f"{path}: got a file without arrays; wanted named arrays of weights")
    if all(name.startswith("module.") for name in arrays):
        arrays = {name.removeprefix("module."): array for name, array in arrays.items()}
    return arrays


def _npz(path: pathlib.Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except Exception as error:
        raise ValueError(f"{path}: not an npz file of plain arrays ({error})") from error


def _torch(path: pathlib.Path) -> dict[str, np.ndarray]:
    try:
        return state_dict(read_torch_file(path), file=path.name)
    except ValueError as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(f"{path}: {error}") from error


def _safetensors(path: pathlib.Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path}: not a safetensors file ({error})") from error


def _keras(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Variables by layer, "block1_conv1/kernel"; Keras versions name them differently ("block1_conv1_W_1:0")."""
    import h5py  # here: few files are Keras'

    short = {"W": "kernel", "b": "bias", "running_mean": "moving_mean", "running_std": "moving_variance"}
    arrays: dict[str, np.ndarray] = {}

    def visit(name: str, item) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        *groups, variable = name.removeprefix("model_weights/").split("/")
        layer = groups[0] if groups else ""
        variable = variable.removesuffix(":0").removeprefix(f"{layer}_")
        if variable.endswith("_1") and layer:
            variable = variable.removesuffix("_1")
        arrays[f"{layer}/{short.get(variable, variable)}"] = item[()]

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except OSError as error:
        raise ValueError(f"{path}: not an HDF5 file ({error})") from error
    return arrays
