"""Conversion of float16 to float32."""

import numpy as np


def to_float32(array: np.ndarray, out: np.ndarray) -> None:
    """Writes finite float16 or float32 numbers as float32; exact.

    NumPy converts float16 number by number, which takes 20 ms for 32 images of 196 x 512, while reading them takes 5.
    Here exponent and fraction are shifted to their places in a float32, which makes the number too small by a power of
    two, the difference of the exponent biases, 127 - 15; subnormal numbers too. This takes 4 ms.

    Args:
        array: of any shape.
        out: float32 of that shape, contiguous.
    """
    if array.dtype != np.float16:
        out[...] = array
        return
    bits = out.view(np.int32)
    bits[...] = array.view(np.int16)  # sign extension: keeps the sign, and copies it into the exponent bits
    bits <<= 13
    bits &= np.int32(-0x70002000)  # keep sign, exponent and fraction; clear the copies of the sign
    np.multiply(out, np.float32(2.0**112), out=out)
