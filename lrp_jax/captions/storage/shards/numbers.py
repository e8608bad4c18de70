"""float16 to float32."""

import numpy as np


def to_float32(array: np.ndarray, out: np.ndarray) -> None:
    """Writes float16 or float32 numbers, all of them finite, as float32; exact.

    NumPy converts float16 number by number, which takes 20 ms for 32 images of 196 x 512 where reading them takes 5.
    With exponent and fraction shifted to their places in a float32, the number is too small by the difference of the
    two exponents' biases, 127 - 15; so are the numbers below the normal ones of float16. This takes 4 ms.

    Args:
        array: of any shape.
        out: float32 of that shape, contiguous.
    """
    if array.dtype != np.float16:
        out[...] = array
        return
    bits = out.view(np.int32)
    bits[...] = array.view(np.int16)  # keeps the sign, and copies it to where the exponent ends
    bits <<= 13
    bits &= np.int32(-0x70002000)  # sign, exponent and fraction; no copies of the sign
    np.multiply(out, np.float32(2.0**112), out=out)
