"""The base class of both LSTM captioners: word embedding, region projection and word predictor; see `protocol`."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.linen.dtypes import promote_dtype
from jaxtyping import Array, Float, Int

from lrp_jax.captions.models.protocol import PredictorInputs, Trace
from lrp_jax.captions.models.unroll import logits, scan_steps


class WordPredictor(nn.Module):
    """The last layer, fc: logits = W x + b, for all words or for given ones.

    An explanation needs the logit of one word, not of 11026: only this word's column of the kernel is gathered.
    Weights are initialised uniformly in [-0.1, 0.1], biases at 0, so that all words are about equally likely.
    """

    vocabulary_size: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "*batch H"], words: Int[Array, "*batch"] | None = None
    ) -> Float[Array, "*batch"]:
        kernel = self.param("kernel", uniform_tenth, (x.shape[-1], self.vocabulary_size), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (self.vocabulary_size,), jnp.float32)
        x, kernel, bias = promote_dtype(x, kernel, bias)
        if words is None:
            return x @ kernel + bias
        # Not kernel.T[words], which would copy the whole kernel to read a few columns.
        columns = jnp.moveaxis(jnp.take(kernel, words, axis=1), 0, -1)
        return jnp.einsum("...h,...h->...", x, columns) + jnp.take(bias, words)


def uniform_tenth(key: Array, shape: tuple[int, ...], dtype) -> Array:
    """An initialiser: uniform in [-0.1, 0.1]."""
    return jax.random.uniform(key, shape, dtype, -0.1, 0.1)


class Captioner(nn.Module):
    """The base of `AdaLSTM` and `MHFC`, which add `setup`, `start` and `step`.

    Computes in the widest dtype of its parameters and inputs: float32 parameters with float64 features
    give float64 throughout.

    vocabulary_size: V, the four special tokens included.
    hidden: H = d_h = d_v, the size of the LSTM's state and of a projected region.
    embedding: E, the size of a word embedding.
    dropout: rate on c + h before the last layer in training.
    embedding_dropout: rate on word embeddings in training (none in the published code).
    feature_scale: a factor on the input features. The range of features differs much between encoders, and large
      features outweigh the word embeddings early in training; 1 / RMS of the features gives all of them the same scale.
    """

    vocabulary_size: int
    hidden: int = 512
    embedding: int = 512
    dropout: float = 0.5
    embedding_dropout: float = 0.0
    feature_scale: float = 1.0

    def setup(self):
        # He initialisation because a ReLU follows.
        self.image_projection = nn.Dense(self.hidden, kernel_init=nn.initializers.he_normal())
        self.word_embedding = nn.Embed(self.vocabulary_size, self.embedding, embedding_init=uniform_tenth)
        self.fc = WordPredictor(self.vocabulary_size)
        self.drop_embedding = nn.Dropout(self.embedding_dropout)
        self.drop_output = nn.Dropout(self.dropout)

    def embed(self, words: Int[Array, "*batch"], deterministic: bool = True) -> Float[Array, "*batch E"]:
        """E_m(words) (Eq. 1). With deterministic=False dropout is applied, which needs the rng "dropout"."""
        return self.drop_embedding(self.word_embedding(words), deterministic=deterministic)

    def scaled(self, features: Float[Array, "*batch n_v d_raw"]) -> Float[Array, "*batch n_v d_raw"]:
        """The features times `feature_scale`."""
        return features if self.feature_scale == 1 else self.feature_scale * features

    def project(self, features: Float[Array, "*batch n_v d_raw"]) -> Float[Array, "*batch n_v H"]:
        """The visual feature I = relu(W features + b) of scaled features: one dense layer, shared by all regions."""
        return nn.relu(self.image_projection(self.scaled(features)))

    def predict(
        self,
        inputs: PredictorInputs,
        words: Int[Array, "*batch"] | None = None,
        deterministic: bool = True,
    ) -> Float[Array, "*batch"]:
        """The predictor of Eq. 4, fc(c + h): logits [..., V], or with `words` [...] only the logit of each word.

        With deterministic=False dropout is applied to c + h, which needs the rng "dropout"; the same rng gives
        the same mask. The logit of a word outside the vocabulary is NaN.
        """
        c, h = inputs
        return self.fc(self.drop_output(c + h, deterministic=deterministic), words)

    def unroll(
        self,
        features: Float[Array, "*batch n_v d_raw"],
        embeddings: Float[Array, "*batch T E"],
        regions: Float[Array, "*batch n_v H"] | None = None,
        remat: bool = False,
    ) -> Trace:
        """All words at once, teacher-forced: a scan over `step`.

        regions: used in place of the projected features I wherever I is used.
        remat: keep only the products of each step for the backward pass, and compute the rest of it again.
        """
        captioner, params = self.unbind()
        return scan_steps(captioner, params, features, embeddings, regions, remat)

    def __call__(
        self,
        features: Float[Array, "*batch n_v d_raw"],
        words: Int[Array, "*batch T"],
        deterministic: bool = True,
    ) -> Float[Array, "*batch T V"]:
        """Teacher-forced logits; `captioner.init(key, features, words)` initialises every parameter."""
        if self.is_initializing():
            # One step outside the scan below, inside which parameters cannot be initialised.
            inputs, _, _ = self.step(self.start(features), self.embed(words[..., 0]))
            self.predict(inputs)
        key = None if deterministic else self.make_rng("dropout")
        captioner, params = self.unbind()
        return logits(captioner, params, features, words, dropout_rng=key)
