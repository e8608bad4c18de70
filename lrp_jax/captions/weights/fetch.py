"""Weight files by path or by their address on the Hugging Face hub, and the check of their SHA-256."""

import hashlib
import os
import pathlib
import re
from typing import NamedTuple


class ChecksumError(ValueError):
    """A file has another SHA-256 than expected, or no expected SHA-256 is known."""


class _OnHub(NamedTuple):
    repository: str
    file: str
    revision: str | None = None
    sha256: str | None = None


PUBLISHED = {
    "vgg16": _OnHub(
        "timm/vgg16.tv_in1k",
        "model.safetensors",
        sha256="57b026918159a6bf9faf8405c3a551903768e7138989d9c6224a14227203fad8",
    ),
    "resnet50": _OnHub(
        "timm/resnet50.tv_in1k",
        "model.safetensors",
        sha256="5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888",
    ),
    "resnet101": _OnHub("timm/resnet101.tv_in1k", "model.safetensors"),
}
"""Short names of files on the hub: torchvision's first ImageNet weights, as timm publishes them."""

_ADDRESS = re.compile(
    r"hf:(?P<repository>[^/@#]+/[^/@#]+)/(?P<file>[^@#]+)(?:@(?P<revision>[^#]+))?(?:#sha256=(?P<sha256>[0-9a-fA-F]{64}))?"
)
# torch.hub puts the first digits of the SHA-256 into the file name. Digits without a letter are more likely a date.
_DIGITS = re.compile(r"-(?=[0-9]*[a-f])([0-9a-f]{8,64})\.(?:pth|pt)$")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def weights_file(name: str | os.PathLike) -> pathlib.Path:
    """The local path of a weight file, which is downloaded if necessary and checked.

    | name | checked against |
    |---|---|
    | `path/to/vgg16-397923af.pth` | the digits in the name, as in torchvision's files |
    | `path/to/model.npz` | nothing |
    | `hf:OWNER/REPO/FILE[@REVISION][#sha256=HEX]` | the given SHA-256, else the one that the hub reports |
    | `vgg16`, ... (`PUBLISHED`) | the SHA-256 in the table, else the one that the hub reports |

    An existing local path is always used as it is. Downloaded files are kept in the hub's cache (`HF_HOME`) and are
    used from there when the hub cannot be reached.

    Raises:
      FileNotFoundError: there is no such file, or the download failed.
      ChecksumError: the SHA-256 differs, or none is known for a file on the hub.
      ValueError: the address has another format.
    """
    text = os.fspath(name)
    path = pathlib.Path(text)
    if path.is_file():
        digits = _DIGITS.search(path.name)
        if digits:
            _check(path, path, digits[1], "its name")
        return path
    if text in PUBLISHED:
        return _download(text, PUBLISHED[text])
    if text.startswith("hf:"):
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise ValueError(f"{text}: wanted hf:OWNER/REPO/FILE[@REVISION][#sha256=64 HEX DIGITS]")
        return _download(text, _OnHub(**match.groupdict()))
    raise FileNotFoundError(f"{path}: no such file")


def sha256(path: str | os.PathLike) -> str:
    """The SHA-256 of the file at a path, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(name: str, place: _OnHub) -> pathlib.Path:
    import huggingface_hub  # imported here because the import takes longer than reading most weight files

    try:
        path = pathlib.Path(huggingface_hub.hf_hub_download(place.repository, place.file, revision=place.revision))
        given, source = (place.sha256, "#sha256") if place.sha256 else (_stated(path, place), "the hub")
    except Exception as error:  # from the library, its HTTP client or the operating system
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileNotFoundError(f"{name}: download failed ({reason}); or pass the path of a local file") from error
    if given is None:
        raise ChecksumError(f"{name}: the hub reports no SHA-256 for this file; pass it as {name}#sha256=...")
    _check(name, path, given.lower(), source)
    return path


def _stated(path: pathlib.Path, place: _OnHub) -> str | None:
    """The SHA-256 that the hub reported; for large files it is their entity tag."""
    if path.is_symlink():
        # The cache stores a file under its entity tag, and the file name is a symbolic link to it. Only the first link
        # is read: its target may be a link into a cache shared by several users, under another kind of name.
        tag = os.path.basename(os.readlink(path))
    else:
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        tag = get_hf_file_metadata(hf_hub_url(place.repository, place.file, revision=place.revision)).etag
    return tag if tag and _SHA256.fullmatch(tag) else None


def _check(name: str | os.PathLike, path: pathlib.Path, wanted: str, source: str) -> None:
    found = sha256(path)
    if not found.startswith(wanted):
        raise ChecksumError(
            f"{name}: its SHA-256 is {found[: len(wanted)]}, wanted {wanted} ({source}); the file is damaged or a "
            f"different one: remove {path} and download it again"
        )
