"""Files of weights by path or by their place on the Hugging Face hub, and the checksums they are held against."""

import hashlib
import os
import pathlib
import re
from typing import NamedTuple


class ChecksumError(ValueError):
    """A file is not the one it is said to be, or nothing says which one it should be."""


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
# torch.hub names a file after the first digits of its SHA-256. Without a letter they are more likely a date.
_DIGITS = re.compile(r"-(?=[0-9]*[a-f])([0-9a-f]{8,64})\.(?:pth|pt)$")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def weights_file(name: str | os.PathLike) -> pathlib.Path:
    """Where a file of weights lies on this machine; it is downloaded if need be, and checked.

    | name | checked against |
    |---|---|
    | `path/to/vgg16-397923af.pth` | the digits in the name, as torchvision's files have them |
    | `path/to/model.npz` | nothing |
    | `hf:OWNER/REPO/FILE[@REVISION][#sha256=HEX]` | the SHA-256 given, else the one that the hub states |
    | `vgg16`, ... (`PUBLISHED`) | the SHA-256 in the table, else the one that the hub states |

    A path to a file that is there is never looked up anywhere else. What was downloaded once lies in the hub's own
    cache (`HF_HOME`) and is used from there when the hub cannot be reached.

    Raises:
      FileNotFoundError: there is no such file, or the hub did not give it.
      ChecksumError: its content is another one, or no SHA-256 is known for a file of the hub.
      ValueError: the address is not spelt as above.
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
    import huggingface_hub  # here, because it takes longer to import than most weights take to read

    try:
        path = pathlib.Path(huggingface_hub.hf_hub_download(place.repository, place.file, revision=place.revision))
        given, source = (place.sha256, "#sha256") if place.sha256 else (_stated(path, place), "the hub")
    except Exception as error:  # of the library, of its HTTP client, of the operating system
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileNotFoundError(f"{name}: not from the hub ({reason}); a path to a file works without it") from error
    if given is None:
        raise ChecksumError(f"{name}: the hub states no SHA-256 of this file, so give it: {name}#sha256=...")
    _check(name, path, given.lower(), source)
    return path


def _stated(path: pathlib.Path, place: _OnHub) -> str | None:
    """The SHA-256 that the hub stated, which it does for large files: their entity tag is it."""
    if path.is_symlink():
        # The cache keeps a file under its entity tag, and links to it by the file's name. Only the first link counts:
        # what lies behind may be shared between caches, under a name of another kind.
        tag = os.path.basename(os.readlink(path))
    else:
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        tag = get_hf_file_metadata(hf_hub_url(place.repository, place.file, revision=place.revision)).etag
    return tag if tag and _SHA256.fullmatch(tag) else None


def _check(name: str | os.PathLike, path: pathlib.Path, wanted: str, source: str) -> None:
    found = sha256(path)
    if not found.startswith(wanted):
        raise ChecksumError(
            f"{name}: its SHA-256 is {found[: len(wanted)]}, wanted {wanted} ({source}); it is damaged, or another "
            f"file, and not used: remove {path} and get it anew"
        )
