"""Ada-LSTM: adaptive attention with a sentinel, and an LSTM with fc as word predictor (Eqs. 5-11)."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrp_jax.captions.models.captioner import Captioner
from lrp_jax.captions.models.lstm import LSTMCell, LSTMState, zero_state
from lrp_jax.captions.models.protocol import Attention, PredictorInputs

GLOBAL_FEATURES = ("mean", "projected", "raw")
ATTENTION_AXES = ("attention", "position")


class Sentinel(nn.Module):
    """The sentinel of Eq. 5, a feature from the LSTM's memory only: s_t = sigmoid(W_x x_t + W_h h_{t-1}) tanh(m_t)."""

    hidden: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "*batch d_x"], h_before: Float[Array, "*batch H"], m: Float[Array, "*batch H"]
    ) -> Float[Array, "*batch H"]:
        W_x, W_h = nn.Dense(self.hidden, name="W_x"), nn.Dense(self.hidden, name="W_h")
        return jax.nn.sigmoid(W_x(x) + W_h(h_before)) * jnp.tanh(m)


class AdaptiveAttention(nn.Module):
    """Additive attention over the regions and a sentinel, Eqs. 6 to 9.

    size: A, the size of the attention space (the columns of W_I); the paper uses A = n_v.
    axis: the axis along which W_g h_t is added in Eq. 6. "attention": to the A dimensions, as in Eq. 7.
      "position": its k-th element to region k, which needs A = n_v.
    """

    size: int
    axis: str

    def setup(self):
        self.W_I = nn.Dense(self.size)
        self.W_s = nn.Dense(self.size)
        self.W_g = nn.Dense(self.size, use_bias=False)
        self.w_a = nn.Dense(1, use_bias=False)

    def project(self, regions: Float[Array, "*batch n_v H"]) -> Float[Array, "*batch n_v A"]:
        """I W_I, the part of Eq. 6 that does not depend on the step."""
        return self.W_I(regions)

    def __call__(
        self,
        regions: Float[Array, "*batch n_v H"],
        projected: Float[Array, "*batch n_v A"],
        h: Float[Array, "*batch H"],
        s: Float[Array, "*batch H"],
    ) -> tuple[Float[Array, "*batch H"], Attention]:
        """The attended sum of regions [..., H], and (alpha, beta)."""
        query = self.W_g(h)
        per_region = query[..., None, :] if self.axis == "attention" else query[..., :, None]
        a = self.w_a(jnp.tanh(projected + per_region))[..., 0]
        b = self.w_a(jnp.tanh(self.W_s(s) + query))
        alpha = jax.nn.softmax(a)
        beta = jax.nn.softmax(jnp.concatenate([a, b], axis=-1))[..., -1]
        return jnp.einsum("...k,...kd->...d", alpha, regions), Attention(alpha, beta)


class AdaImage(NamedTuple):
    """The quantities computed once per image: I, I_g and I W_I."""

    regions: Float[Array, "*batch n_v H"]
    global_feature: Float[Array, "*batch G"]
    projected: Float[Array, "*batch n_v A"]


class AdaRecurrent(NamedTuple):
    decoder: LSTMState
    language: LSTMState


class AdaState(NamedTuple):
    image: AdaImage
    recurrent: AdaRecurrent


class AdaLSTM(Captioner):
    """The Ada-LSTM captioner, Figure 2 (a).

        x1_t = [E_m(w_{t-1}), I_g, h2_{t-1}]     h1_t = decoder LSTM(x1_t)
        s_t, alpha_t, beta_t by Eqs. 5 to 9 from x1_t, h1_{t-1}, m1_t, h1_t
        c_t = (1 - beta_t) sum_k alpha_k I_k + beta_t s_t                      (Eq. 10)
        x2_t = [c_t, h1_t]                       h2_t = language LSTM(x2_t)
        logits = fc(c_t + h2_t)

    attention: A, the size of the attention space; the paper uses the number of regions.
    global_feature: "mean": I_g is the mean of I, as in the paper; "projected": relu(dense(mean of I)) and
      "raw": relu(dense(mean of the raw features)), both of size E, as in the published code.
    attention_axis: see `AdaptiveAttention.axis`; "position" is how the published code implements Eq. 6.
    dropout: 0.5 as published.

    Dense and LSTM input kernels are initialised LeCun-normal, those before a ReLU He-normal, recurrent ones orthogonal.

    Reference: Sun et al., "Explain and improve" (2022), section 3.2; Lu et al., "Knowing when to look"
    (2017).
    """

    attention: int = 196
    global_feature: str = "mean"
    attention_axis: str = "attention"

    def setup(self):
        super().setup()
        if self.global_feature not in GLOBAL_FEATURES:
            raise ValueError(f"global_feature is {self.global_feature!r}; choose one of {GLOBAL_FEATURES}")
        if self.attention_axis not in ATTENTION_AXES:
            raise ValueError(f"attention_axis is {self.attention_axis!r}; choose one of {ATTENTION_AXES}")
        if self.global_feature != "mean":
            self.global_projection = nn.Dense(self.embedding, kernel_init=nn.initializers.he_normal())
        self.decoder_lstm = LSTMCell(self.hidden)
        self.sentinel = Sentinel(self.hidden)
        self.adaptive_attention = AdaptiveAttention(self.attention, self.attention_axis)
        self.language_lstm = LSTMCell(self.hidden)

    def start(
        self,
        features: Float[Array, "*batch n_v d_raw"],
        regions: Float[Array, "*batch n_v H"] | None = None,
    ) -> AdaState:
        """The state before the first word; `regions`, if given, replace I wherever it is used."""
        if regions is None:
            regions = self.project(features)
        if self.attention_axis == "position" and regions.shape[-2] != self.attention:
            raise ValueError(
                f'attention_axis="position" needs as many regions as attention dimensions, got '
                f'{regions.shape[-2]} and {self.attention}; use attention_axis="attention" or other features'
            )
        mean = (self.scaled(features) if self.global_feature == "raw" else regions).mean(axis=-2)
        global_feature = mean if self.global_feature == "mean" else nn.relu(self.global_projection(mean))
        projected = self.adaptive_attention.project(regions)
        zero = zero_state(projected, self.hidden)
        return AdaState(AdaImage(regions, global_feature, projected), AdaRecurrent(zero, zero))

    def step(self, state: AdaState, embedding: Float[Array, "*batch E"]) -> tuple[PredictorInputs, AdaState, Attention]:
        """One word: (c_t, h2_t), the new state, and attention."""
        image, (decoder, language) = state
        x1 = jnp.concatenate([embedding, image.global_feature, language.h], axis=-1)
        new_decoder = self.decoder_lstm(x1, decoder)
        s = self.sentinel(x1, decoder.h, new_decoder.m)
        attended, attention = self.adaptive_attention(image.regions, image.projected, new_decoder.h, s)
        beta = attention.beta[..., None]
        c = (1 - beta) * attended + beta * s
        x2 = jnp.concatenate([c, new_decoder.h], axis=-1)
        new_language = self.language_lstm(x2, language)
        return PredictorInputs(c, new_language.h), AdaState(image, AdaRecurrent(new_decoder, new_language)), attention
