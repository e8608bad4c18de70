"""From a training run to what the experiments examine."""

import functools
from collections.abc import Callable

import ml_collections

from lrp_jax.captions.data.bottom_up import RegionStore
from lrp_jax.captions.data.sources import source
from lrp_jax.captions.experiments.subject import Subject
from lrp_jax.captions.images import Example
from lrp_jax.captions.runs.folder import Run


def subject_of(run: Run) -> Subject:
    """A run as the subject of experiments; captions are as long, and the beam as wide, as in its own tests."""
    return Subject(
        captioner=run.captioner,
        params=run.params,
        vocabulary=run.vocabulary,
        encoder=run.encoder,
        encoder_params=run.encoder_params,
        preprocessing=run.preprocessing,
        regions=_stored(run.config) if run.encoder is None else None,
        max_length=max(run.config.lengths),
        beam=run.config.get("beam", 3),
        training_images=functools.cache(lambda: source(run.config.source)["train"]),
    )


def _stored(config: ml_collections.ConfigDict) -> Callable:
    store = RegionStore(config.bottom_up)

    def regions(example: Example):
        found = store[example.id]
        return found.features, found.boxes

    return regions
