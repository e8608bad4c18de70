"""What every captioner gives: the records that pass between its parts.

The protocol, which serves training, decoding and explaining alike (`...` are any batch axes):

    embed(words [...])                    -> embeddings [..., E]
    project(features)                     -> regions I [..., n_v, H]
    start(features, regions=None)         -> state before the first word
    step(state, embedding [..., E])       -> (PredictorInputs, state, Attention)
    unroll(features, embeddings, ...)     -> (PredictorInputs, Attention) of all words, time axis first
    predict(inputs, words=None)           -> logits of all words [..., V], or of `words` only [...]

each called as `captioner.apply(params, ..., method="step")`. A state is a named tuple of `image`, which `start`
computes once from the features, and `recurrent`, the only part that `step` changes.
"""

from typing import NamedTuple

from jaxtyping import Array, Float


class PredictorInputs(NamedTuple):
    """What the last layers read at a word.

    c: the context, [..., H]. h: the state that it is added to, [..., H].
    """

    c: Float[Array, "*batch H"]
    h: Float[Array, "*batch H"]


class Attention(NamedTuple):
    """The attention of one step.

    weights: softmax over the regions; [..., n_v] for Ada-LSTM (Eq. 8), [..., heads, n_v] for MH-FC (Eq. 13).
    beta: [...], the share of the sentinel in the context (Eq. 9); None for MH-FC, which has no sentinel.
    """

    weights: Float[Array, "*batch n_v"]
    beta: Float[Array, "*batch"] | None


class Trace(NamedTuple):
    """What a captioner did over a caption, time axis first.

    inputs: of `predict` at every word, c and h [T, ..., H].
    attention: of every word, [T, ...].
    """

    inputs: PredictorInputs
    attention: Attention
