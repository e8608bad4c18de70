"""The LSTM cell of Eq. 2, written out so that every gate and every sum is explicit."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class LSTMState(NamedTuple):
    """The state of an LSTM between words: its output `h` and its memory `m`, both [..., H]."""

    h: Float[Array, "*batch H"]
    m: Float[Array, "*batch H"]


def _recurrent_kernel(key: Array, shape: tuple[int, int], dtype) -> Float[Array, "H 4H"]:
    """One orthogonal matrix per gate, so that at initialisation no gate scales h_{t-1} up or down."""
    hidden, columns = shape
    init = nn.initializers.orthogonal()
    keys = jax.random.split(key, columns // hidden)
    return jnp.concatenate([init(k, (hidden, hidden), dtype) for k in keys], axis=-1)


def _open_forget_gate(key: Array, shape: tuple[int], dtype) -> Float[Array, "4H"]:
    """A bias of 1 for the forget gate, which keeps the memory early in training (Jozefowicz et al., 2015); else 0."""
    del key
    hidden = shape[0] // 4
    return jnp.zeros(shape, dtype).at[hidden : 2 * hidden].set(1)


class LSTMCell(nn.Module):
    """One step of an LSTM, gates in the order i, f, g, o.

        z = W x_t + b_ih + U h_{t-1} + b_hh
        m_t = sigmoid(z_f) m_{t-1} + sigmoid(z_i) tanh(z_g)
        h_t = sigmoid(z_o) tanh(m_t)

    The input and the recurrent layer have a bias each, as in PyTorch: merging them would round their sum and so change
    imported models. Input kernels are initialised LeCun-normal.
    """

    hidden: int

    @nn.compact
    def __call__(self, x: Float[Array, "*batch d_x"], state: LSTMState) -> LSTMState:
        z = nn.Dense(4 * self.hidden, bias_init=_open_forget_gate, name="input")(x) + nn.Dense(
            4 * self.hidden, kernel_init=_recurrent_kernel, name="recurrent"
        )(state.h)
        i, f, g, o = jnp.split(z, 4, axis=-1)
        m = jax.nn.sigmoid(f) * state.m + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(m)
        return LSTMState(h, m)


def zero_state(like: Float[Array, "*batch n_v H"], hidden: int) -> LSTMState:
    """h_0 = m_0 = 0, with the batch axes and the dtype of the regions."""
    zeros = jnp.zeros((*like.shape[:-2], hidden), like.dtype)
    return LSTMState(zeros, zeros)
