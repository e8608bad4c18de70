"""MH-FC: gated multi-head attention, and fc as word predictor (Eqs. 12-16)."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float

from lrp_jax.captions.models.captioner import Captioner
from lrp_jax.captions.models.lstm import LSTMCell, LSTMState, zero_state
from lrp_jax.captions.models.protocol import Attention, PredictorInputs

HEADS = "heads"
"""The `checkpoint_name` of the attended heads, by which a single head can be selected."""


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention of one query over the regions, Eqs. 12 and 13.

    As in the published code, the key and value layers have biases, which Eq. 12 omits; they are initialised at 0.
    """

    hidden: int
    heads: int
    query_projection: bool

    def setup(self):
        self.W_k = nn.Dense(self.hidden)
        self.W_v = nn.Dense(self.hidden)
        if self.query_projection:
            self.W_q = nn.Dense(self.hidden)

    def _split(self, x: Float[Array, "*batch H"]) -> Float[Array, "*batch heads d_head"]:
        return x.reshape(*x.shape[:-1], self.heads, self.hidden // self.heads)

    def project(
        self, regions: Float[Array, "*batch n_v H"]
    ) -> tuple[Float[Array, "*batch heads d_head n_v"], Float[Array, "*batch heads n_v d_head"]]:
        """Keys and values, which do not depend on the step, in the memory layout that the products of a step read."""
        keys, values = (self._split(dense(regions)) for dense in (self.W_k, self.W_v))
        return jnp.moveaxis(keys, -3, -1), jnp.swapaxes(values, -2, -3)

    def __call__(
        self,
        keys: Float[Array, "*batch heads d_head n_v"],
        values: Float[Array, "*batch heads n_v d_head"],
        h: Float[Array, "*batch H"],
    ) -> tuple[Float[Array, "*batch H"], Attention]:
        """The concatenated heads, v of Eq. 14, and the attention of each head."""
        query = self._split(self.W_q(h) if self.query_projection else h)
        scores = jnp.einsum("...id,...idk->...ik", query, keys) / (self.hidden // self.heads) ** 0.5
        alpha = jax.nn.softmax(scores)
        v = checkpoint_name(jnp.einsum("...ik,...ikd->...id", alpha, values), HEADS)
        return v.reshape(h.shape), Attention(alpha, None)


class MHImage(NamedTuple):
    """The quantities computed once per image: I, I_g, K and V."""

    regions: Float[Array, "*batch n_v H"]
    global_feature: Float[Array, "*batch H"]
    keys: Float[Array, "*batch heads d_head n_v"]
    values: Float[Array, "*batch heads n_v d_head"]


class MHState(NamedTuple):
    image: MHImage
    recurrent: LSTMState


class MHFC(Captioner):
    """The MH-FC captioner, Figure 2 (b).

        x_t = [E_m(w_{t-1}), I_g]     h_t = LSTM(x_t)     I_g = mean of I
        v = heads attended with Q = h_t                           (Eq. 13)
        c_t = sigmoid(W_mh h_t + b_mh) (W_v v + b_v)              (Eqs. 14, 15)
        logits = fc(c_t + h_t)

    heads: n_h; must divide `hidden`.
    query_projection: Q = W_q h_t + b_q, as in the published code; the paper has Q = h_t.
    dropout: 0.3 as published.

    Dense and LSTM input kernels are initialised LeCun-normal, those before a ReLU He-normal, recurrent ones orthogonal.

    Reference: Sun et al., "Explain and improve" (2022), section 3.2; Huang et al., "Attention on attention"
    (2019).
    """

    dropout: float = 0.3
    heads: int = 8
    query_projection: bool = False

    def setup(self):
        super().setup()
        if self.heads < 1 or self.hidden % self.heads:
            raise ValueError(f"{self.heads} heads do not divide hidden = {self.hidden}; choose a divisor")
        self.lstm = LSTMCell(self.hidden)
        self.multi_head_attention = MultiHeadAttention(self.hidden, self.heads, self.query_projection)
        self.context = nn.Dense(self.hidden)
        self.context_gate = nn.Dense(self.hidden)

    def start(
        self,
        features: Float[Array, "*batch n_v d_raw"],
        regions: Float[Array, "*batch n_v H"] | None = None,
    ) -> MHState:
        """The state before the first word; `regions`, if given, replace I wherever it is used."""
        if regions is None:
            regions = self.project(features)
        keys, values = self.multi_head_attention.project(regions)
        image = MHImage(regions, regions.mean(axis=-2), keys, values)
        return MHState(image, zero_state(regions, self.hidden))

    def step(self, state: MHState, embedding: Float[Array, "*batch E"]) -> tuple[PredictorInputs, MHState, Attention]:
        """One word: (c_t, h_t), the new state, and attention."""
        image, before = state
        x = jnp.concatenate([embedding, image.global_feature], axis=-1)
        lstm = self.lstm(x, before)
        v, attention = self.multi_head_attention(image.keys, image.values, lstm.h)
        c = jax.nn.sigmoid(self.context_gate(lstm.h)) * self.context(v)
        return PredictorInputs(c, lstm.h), MHState(image, lstm), attention
