"""A captioner small enough for tests: random weights, pictures of 24 pixels, and yet it talks of many objects."""

import functools

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from lrp_jax.captions import scenes
from lrp_jax.captions.models import MHFC, AdaLSTM, Preprocessing
from lrp_jax.captions.models.encoding import Encoder
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.weights.scene_encoder import load_scene_encoder
from lrp_jax.captions.words import START, Vocabulary

SIZE = 24  # pixels of a side: 2 x 2 cells of the encoder


class Talkative(Speaker):
    """Says random words, the same of the same features: weights that were never trained would repeat one word."""

    def caption(self, features, decoder=None, *, batch_size=None, sharding=None):
        found = []
        for image in np.asarray(features, np.float32):
            rng = np.random.default_rng(list(np.round(image[:2, :8] * 64).astype(np.int64).ravel() % 997))
            ids = rng.integers(4, len(self.words), rng.integers(7, self.max_length + 1))
            found.append(self.given(np.concatenate([[START], ids])))
        return found


@functools.cache
def small_speaker(kind: str = "ada", seed: int = 0, max_length: int = 10, talkative: bool = True) -> Speaker:
    """A captioner of either kind; a talkative one does not decode."""
    vocabulary = Vocabulary.build([*sorted(scenes.SYNONYMS), "a", "the", "holding", "and", "red", "on"])
    encoder, encoder_params, preprocessing = load_scene_encoder()
    sizes = {"hidden": 8, "embedding": 6, "dropout": 0.0}
    captioner = (
        AdaLSTM(len(vocabulary), attention=4, **sizes) if kind == "ada" else MHFC(len(vocabulary), heads=2, **sizes)
    )
    # To compile the initialisers takes longer than most tests. Large enough for words and images to matter.
    shapes = jax.eval_shape(captioner.init, jax.random.key(0), jnp.zeros((4, 96)), jnp.ones(3, jnp.int32))
    rng = np.random.default_rng(seed)
    params = jax.tree.map(lambda x: jnp.asarray(rng.normal(0, 0.8, x.shape), x.dtype), shapes)
    return (Talkative if talkative else Speaker)(
        captioner=captioner,
        params=params,
        words=vocabulary,
        encoder=Encoder(encoder, encoder_params, Preprocessing(preprocessing.mean, preprocessing.std, (SIZE, SIZE))),
        config=ml_collections.ConfigDict({"lengths": (max_length,), "beam": 3, "source": ""}),
    )


def small_scenes(count: int = 6) -> scenes.Scenes:
    """Test scenes of the size that the small captioner sees."""
    return scenes.dataset("test_broken", size=SIZE, count=count)
