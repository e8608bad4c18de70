"""Reads the pixels of image files and arrays, for every model in the same way."""

import functools
import io
import os

import numpy as np
from jaxtyping import UInt8
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from lrp_jax.captions.images.kinds import HEAD, head_of, other_kind, why_not_read

DECODING = "pillow, jpeg draft, bilinear"
"""How `load_image` reads a file. Caches of results that depend on pixels store this string with them."""

FORMATS = ("AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP")
"""The formats that `load_image` opens, whatever the file's name. Not all of Pillow's: PostScript files are programs,
which Pillow runs with another program."""


def load_image(
    image: bytes | str | os.PathLike | np.ndarray, size: tuple[int, int] | None = None
) -> UInt8[np.ndarray, "H W 3"]:
    """Returns the pixels of an image as RGB, upright.

    All models read files through this function, in training and afterwards, with the same `size`: resizing twice, or
    with another library, gives other pixels.

    Args:
        image: uint8 array [H, W], [H, W, 1], [H, W, 3] or [H, W, 4] (transparency is laid over white), the
            bytes of an image file, or its path. Files are rotated by their EXIF orientation.
        size: (height, width) to resize to, bilinear with antialiasing, without keeping the aspect ratio; None
            keeps the image's own size. A JPEG of several times this size is decoded at a smaller scale.

    Returns:
        Pixels, uint8 [H, W, 3].

    Raises:
        ValueError: an array has another dtype or shape, a file is damaged or not an image, or `size` is not a pair of
            positive integers.
        OSError: the path does not exist, or cannot be read.
    """
    if size is not None and not (len(size) == 2 and all(int(n) == n and n > 0 for n in size)):
        raise ValueError(f"got size={size!r}, wanted (height, width) in pixels, both positive")
    if isinstance(image, np.ndarray):
        picture = _from_array(image)
    else:
        picture = _from_file(image, size)
    if size is not None and picture.size != (size[1], size[0]):
        picture = picture.resize((int(size[1]), int(size[0])), Image.Resampling.BILINEAR)
    return np.array(picture, np.uint8)


def _from_array(image: np.ndarray) -> Image.Image:
    if image.dtype != np.uint8:
        raise ValueError(f"got an image of dtype {image.dtype}, wanted uint8 in 0..255; scale and cast it first")
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (3, 4))) or 0 in image.shape:
        raise ValueError(f"got an image of shape {image.shape}, wanted [height, width, 3] of one image")
    return _over_white(Image.fromarray(image))


def _from_file(image: bytes | str | os.PathLike, size: tuple[int, int] | None) -> Image.Image:
    is_bytes = isinstance(image, bytes | bytearray | memoryview)
    name = "bytes" if is_bytes else os.fspath(image)
    try:
        with Image.open(io.BytesIO(image) if is_bytes else image, formats=known_formats()) as opened:
            if size is not None:
                _draft(opened, size)
            ImageOps.exif_transpose(opened, in_place=True)
            return _over_white(opened)
    except MemoryError:
        raise
    except Exception as error:  # a damaged file can raise any error in a decoder
        if isinstance(error, OSError) and error.filename is not None:  # the file could not be opened
            raise
        reason = _unknown(image) if isinstance(error, UnidentifiedImageError) else error
        raise ValueError(f"{name}: got no readable image ({reason}), wanted a whole JPEG, PNG or the like") from error


def _unknown(image: bytes | str | os.PathLike) -> str:
    """What a file is that no reader knows."""
    name = "" if isinstance(image, bytes | bytearray | memoryview) else os.fspath(image)
    kind = other_kind(head_of(image) if name else bytes(image[:HEAD]), name)
    return "of no known format" if kind is None else why_not_read(kind)


@functools.cache
def known_formats() -> tuple[str, ...]:
    """`FORMATS`, as far as this Pillow has them."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _draft(opened: Image.Image, size: tuple[int, int]) -> None:
    """Tells the decoder which size is needed; only the JPEG decoder uses it.

    It decodes at 1/2, 1/4 or 1/8 if the result is at least `size`: 640 x 480 for 224 x 224 takes two thirds of the
    time. On photographs a pixel changes by 2.5 of 255 on average; bilinear and bicubic resizing differ by 1.6.
    """
    height, width = (int(n) for n in size)
    if opened.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8):  # stored rotated by 90 degrees
        height, width = width, height
    opened.draft(None, (width, height))


def _over_white(picture: Image.Image) -> Image.Image:
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, picture).convert("RGB")
    if picture.mode.startswith(("I;16", "I")):  # 16-bit greyscale: Pillow's own conversion clips instead of scaling
        values = np.asarray(picture, np.float64) / 257.0
        if values.min() < 0 or values.max() > 255:
            raise ValueError("pixels of more than 16 bits")
        return Image.fromarray(np.rint(values).astype(np.uint8)).convert("RGB")
    if picture.mode == "F":
        raise ValueError("pixels that are not integers, so the value of white is unknown")
    return picture if picture.mode == "RGB" else picture.convert("RGB")  # `convert` always copies
