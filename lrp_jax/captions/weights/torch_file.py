"""Tensors from files of `torch.save`, without torch and without executing anything in them.

Such a file is a pickle: a program that may import and call any function of any module. Here names are looked up in a
small table of tensor constructors and plain containers. Every other class becomes an inert placeholder, which keeps the
state that the file gives it and does nothing with it; a call of any other function is refused.
"""

import _compat_pickle
import collections
import io
import math
import os
import pickle
import sys
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from lrp_jax.captions.weights.torch_contents import advice, describe, holds_module

_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype(jnp.bfloat16),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}
# Packages whose classes are built by a call (`defaultdict(dict)`, `dtype("f8")`): their placeholders may be called.
_CALLABLE = ("torch", "torchvision", "timm", "numpy", "collections", "copyreg", "copy_reg", "argparse", "datetime")
# Of others these only, which whole modules have in them.
_CALLABLE_NAMES = {
    "functools.partial",
    *(f"builtins.{name}" for name in ("bytearray", "complex", "object", "range", "slice")),
    *(f"pathlib.{name}" for name in ("PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath")),
}


class UnsafeFileError(ValueError):
    """A pickle that calls functions other than tensor constructors."""


def read_torch_file(path: str | os.PathLike) -> Any:
    """The saved object, with tensors as NumPy arrays and instances of other classes as inert placeholders.

    Both formats are read: the zip archive, and the older format of PyTorch before 1.6.

    Raises:
      UnsafeFileError: the file calls a function that does not make a tensor.
      ValueError: the file has another format, or is damaged.
      FileNotFoundError: there is no such file.
    """
    path = os.fspath(path)
    refused: list[str] = []  # what the file calls and may not, as "module.name"
    saved, damage = None, None
    try:
        with open(path, "rb") as file:
            saved = _read_zip(file, refused) if zipfile.is_zipfile(file) else _read_legacy(file, refused)
    except _DAMAGES as error:
        damage = error
    # A class of somebody's own is called by whole modules; what Python itself has is called by nobody who means well.
    if any(_is_pythons(name) for name in refused) or (refused and not holds_module(saved)):
        name = next(filter(_is_pythons, refused), refused[0])
        raise UnsafeFileError(
            f"{path}: the file calls {name}, which does not make a tensor; nothing was executed. Do not trust the "
            "file; get one that holds only a state_dict"
        )
    if damage is not None:
        what = _other_format(path) or damage
        raise ValueError(f"{path}: not a file that torch.save wrote, or a damaged one ({what})") from damage
    return saved


_DAMAGES = (
    *(ValueError, KeyError, EOFError, IndexError, TypeError, AttributeError, MemoryError, OverflowError),
    *(RecursionError, zipfile.BadZipFile, pickle.UnpicklingError),
)


def _is_pythons(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names


def state_dict(saved: Any, key: str | None = None, file: str = "FILE") -> dict[str, np.ndarray]:
    """The named tensors of a saved object: the object itself, or the mapping under `key` in it.

    Args:
      saved: from `read_torch_file`.
      key: "state_dict", "model", ...; None takes the first of these two that is present, else the whole object.
      file: the name of the file, for the message.

    Raises:
      ValueError: there are no named tensors; of a whole module the message says how to save its tensors.
    """
    inside = saved
    if isinstance(saved, Mapping):
        found = [key] if key is not None else [k for k in ("state_dict", "model") if isinstance(saved.get(k), Mapping)]
        if found:
            inside = saved.get(found[0])
    if isinstance(inside, Mapping):
        arrays = {str(name): a for name, a in inside.items() if isinstance(a, np.ndarray)}
        # Beside whole modules a lone number, such as a score, is not what anybody wants.
        if arrays and not (holds_module(inside) and all(array.ndim == 0 for array in arrays.values())):
            return arrays
    how = ""
    if holds_module(saved):
        how = (
            ". torch.save(model) writes the module and not its tensors, and to read it would be to run its code. Where "
            f"that code is: {advice(saved, file)}"
        )
    raise ValueError(
        f"no named tensors{'' if key is None else f' under {key!r}'}; the file holds: {describe(saved)}{how}"
    )


def _read_zip(file: io.BufferedReader, refused: list[str]) -> Any:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        found = [name for name in names if name.endswith("/data.pkl") or name == "data.pkl"]
        if len(found) != 1:
            raise ValueError(f"a zip archive without data.pkl; it holds: {', '.join(names[:4]) or 'nothing'}")
        folder = found[0].removesuffix("data.pkl")
        if f"{folder}constants.pkl" in names:
            raise ValueError(
                "a TorchScript program of torch.jit.save: model = torch.jit.load(FILE); "
                "torch.save(model.state_dict(), 'state_dict.pth')"
            )
        if f"{folder}byteorder" in names and archive.read(f"{folder}byteorder") != b"little":
            raise ValueError("big-endian tensors")
        storages: dict[str, _Storage] = {}

        def load(persistent: tuple) -> _Storage:
            _, kind, name, _, count = persistent[:5]
            if name not in storages:
                data = archive.read(f"{folder}data/{name}")
                storages[name] = _Storage(np.frombuffer(data, _dtype(kind))[: int(count)])
            return storages[name]

        return _Reader(io.BytesIO(archive.read(found[0])), load, refused).load()


def _read_legacy(file: io.BufferedReader, refused: list[str]) -> Any:
    file.seek(0)
    header = _Reader(file, _Reader.no_storages, refused).load()
    if header != _MAGIC:
        raise ValueError(f"a pickle without torch's header; it holds: {describe(header)}")
    version, system = (_Reader(file, _Reader.no_storages, refused).load() for _ in range(2))
    if version != 1001 or not system.get("little_endian", True):
        raise ValueError(f"protocol {version}, or big-endian tensors")
    promised: dict[str, tuple[np.dtype, int, _Storage]] = {}

    def load(persistent: tuple) -> Any:
        if persistent[0] != "storage":
            # ("module", class, file of its source, source): the source is what it looks like and is not run.
            return persistent[1] if isinstance(persistent[1], type) else _placeholder("torch.nn", "Module", refused)
        _, kind, name, _, count, *view = persistent
        if name not in promised:
            promised[name] = _dtype(kind), int(count), _Storage(None)
        storage = promised[name][2]
        if view and view[0] is not None:
            _, offset, size = view[0]
            return _View(storage, int(offset), int(size))
        return storage

    # The file describes the tensors before their data, so they are assembled at the end.
    saved = _Reader(file, load, refused).load()
    for name in _Reader(file, _Reader.no_storages, refused).load():
        dtype, count, storage = promised[name]
        said = int.from_bytes(file.read(8), "little")
        data = file.read(count * dtype.itemsize) if said == count else b""
        if len(data) != count * dtype.itemsize:
            raise ValueError(f"storage {name} is shorter than its {count} numbers")
        storage.numbers = np.frombuffer(data, dtype)
    return _complete(saved)


class _Storage:
    """The data of one or several tensors."""

    def __init__(self, numbers: np.ndarray | None):
        self.numbers = numbers


class _View(NamedTuple):
    storage: _Storage
    offset: int
    size: int


class _Tensor(NamedTuple):
    """A tensor whose data may not be read yet."""

    storage: _Storage | _View
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> np.ndarray:
        storage, offset = self.storage, self.offset
        if isinstance(storage, _View):
            storage, offset = storage.storage, offset + storage.offset
        numbers = storage.numbers
        shape, strides = tuple(map(int, self.shape)), tuple(map(int, self.strides))
        if len(shape) != len(strides) or min((*shape, *strides, offset), default=0) < 0:
            raise ValueError(f"a tensor of shape {shape} and strides {strides}")
        if math.prod(shape) == 0:
            return np.zeros(shape, numbers.dtype)
        last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        if last >= len(numbers) or math.prod(shape) > len(numbers):
            raise ValueError(f"a tensor of shape {shape} in a storage of {len(numbers)} numbers")
        steps = [stride * numbers.itemsize for stride in strides]
        return np.lib.stride_tricks.as_strided(numbers[offset:], shape, steps).copy()


def _complete(saved: Any) -> Any:
    """Replaces descriptions of tensors by arrays, inside containers too."""
    if isinstance(saved, _Tensor):
        return saved.array()
    if isinstance(saved, dict):
        for key in saved:
            saved[key] = _complete(saved[key])
        return saved
    if isinstance(saved, list):
        saved[:] = map(_complete, saved)
        return saved
    return tuple(map(_complete, saved)) if type(saved) is tuple else saved


def _dtype(kind: Any) -> np.dtype:
    name = getattr(kind, "__name__", "")
    if name not in _DTYPES:
        raise ValueError(f"tensors of {name or kind}; wanted one of {', '.join(_DTYPES)}")
    return _DTYPES[name]


def _tensor(storage, offset, shape, strides, *_) -> np.ndarray | _Tensor:
    tensor = _Tensor(storage, int(offset), tuple(shape), tuple(strides))
    ready = isinstance(storage, _Storage) and storage.numbers is not None
    return tensor.array() if ready else tensor


def _bytes(text: Any, encoding: Any) -> bytes:
    """Decodes bytes (of a NumPy scalar, for example), which pickle protocol 2 stores as latin-1 text."""
    if not isinstance(text, str) or encoding != "latin1":
        raise ValueError("bytes that are not stored as latin-1 text")
    return text.encode("latin1")


class _Inert:
    """An instance of a class that is not imported. It has the state that the file gives it, and does nothing.

    state: its attributes, if the file gives them as they mostly are; a whole module has its parts there.
    """

    state: Any = None

    def __new__(cls, *args, **kwargs):
        return object.__new__(cls)

    def __init__(self, *args, **kwargs):
        pass

    def __setstate__(self, state):
        self.state = state[0] if isinstance(state, tuple) and len(state) == 2 else state

    def _nothing(self, *args, **kwargs):
        return None

    __setitem__ = append = extend = add = update = _nothing


def _placeholder(module: str, name: str, refused: list[str]) -> type:
    """A class of that name, of which instances may be made; a call of one that may not be called is written down."""
    place = f"{module}.{name}"
    may_be_called = module.partition(".")[0] in _CALLABLE or place in _CALLABLE_NAMES

    class Meta(type):
        def __call__(cls, *args, **kwargs):
            if not may_be_called:
                refused.append(place)
            return cls.__new__(cls)

    return Meta(name, (_Inert,), {"__module__": module, "__qualname__": name})


_KNOWN: dict[tuple[str, str], Callable] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
    ("torch", "Size"): tuple,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("_codecs", "encode"): _bytes,
}


class _Reader(pickle.Unpickler):
    """An unpickler that imports nothing: names are looked up in `_KNOWN`, or become placeholders."""

    def __init__(self, file, load_storage: Callable[[tuple], Any], refused: list[str]):
        super().__init__(file, encoding="utf-8")
        self._load_storage, self._refused = load_storage, refused

    def find_class(self, module: str, name: str) -> Any:
        # Protocol 2, which torch writes, has the names of Python 2: __builtin__.set.
        module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
        module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        return _KNOWN.get((module, name)) or _placeholder(module, name, self._refused)

    def persistent_load(self, persistent: Any) -> Any:
        return self._load_storage(persistent)

    @staticmethod
    def no_storages(persistent: tuple) -> Any:
        raise ValueError("a tensor in the header")


def _other_format(path: str) -> str:
    """What a file is by its first bytes, if it is something that is often taken for a file of torch's; else ""."""
    with open(path, "rb") as file:
        head = file.read(512)
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, which stands for the file: fetch that with `git lfs pull`"
    if head.lstrip()[:1] == b"<":
        return "a page of HTML or XML: the download gave something else"
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 2**32:
        return "a safetensors file: name it .safetensors"
    if head.startswith(b"\x89HDF"):
        return "an HDF5 file: name it .h5"
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ")) or head[257:262] == b"ustar":
        return "a packed archive: unpack it and name the file inside"
    return ""
