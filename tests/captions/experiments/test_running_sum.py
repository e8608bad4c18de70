import numpy as np
from small_speaker import small_scenes, small_speaker

from lrp_jax.captions.data.domain import SCENES
from lrp_jax.captions.experiments import cases
from lrp_jax.captions.experiments.running_sum import method_named


def test_the_map_of_a_word_has_those_of_all_words_before_it_in_it():
    speaker = small_speaker()
    ((_, case),) = cases(speaker, small_scenes(1), SCENES, [0], chunk=1)
    summed = case.heat_maps("lrp_running_sum")
    each = np.asarray(case.explanation("lrp").pixels)
    assert len(summed) and len(summed) == len(case.mentions)
    for mention, found in zip(case.mentions, summed, strict=True):
        place = mention.position + len(mention.words) - 1
        # In float32, as the encoder; the epsilon rule amplifies its rounding.
        np.testing.assert_allclose(found, each[: place + 1].sum(axis=0), rtol=0, atol=1e-4 * np.abs(each).max())
    assert any(mention.position for mention in case.mentions)  # the sum has several terms somewhere


def test_names():
    assert method_named("lrp").name == "lrp" and method_named("lrp_running_sum").name == "lrp_running_sum"
