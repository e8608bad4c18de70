"""The stage of a run: where it starts from, its objective and its batches, from the config."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import ml_collections

from lrp_jax.captions.data.batches import Batches, CaptionBatches, ImageBatches, Images
from lrp_jax.captions.metrics.cider_tokens import Frequencies, document_frequencies
from lrp_jax.captions.models import Captioner
from lrp_jax.captions.models.encoding import Encoder
from lrp_jax.captions.runs.arms import Arm
from lrp_jax.captions.runs.folder import load_run
from lrp_jax.captions.runs.settings import SettingsError
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.storage.locks import locked
from lrp_jax.captions.training import objectives
from lrp_jax.captions.training.frequencies import cached_frequencies
from lrp_jax.captions.training.lrp_inference import reweighted_predict
from lrp_jax.captions.training.objectives import Objective
from lrp_jax.captions.training.ranges import check_ranges
from lrp_jax.captions.words import Vocabulary
from lrp_jax.captions.words.stop_words import stop_ids

# The settings that a stage inherits from the run that it starts from: data and model.
INHERITED = (
    "min_count",
    "lengths",
    "encoder",
    "encoder_weights",
    "regions",
    "bottom_up",
    "image_size",
    "captioner",
    "hidden",
    "embedding",
    "feature_scale",
    "ada",
    "mhfc",
)


def start_from(config: ml_collections.ConfigDict) -> tuple[ml_collections.ConfigDict, Speaker | None]:
    """The settings completed from the run `config.init_from`, and that run; None if the setting is empty.

    The data and the model are those of that run, except for `config.source` and `config.features_folder` if they are
    given. Its `features_folder` is inherited only if it holds the features that this stage needs: the source is the
    same, and that run did not train its encoder (otherwise the features are those of its initial encoder).

    Raises:
      SettingsError: there is no such run, or a setting has a value that it cannot have, see `RANGES`.
    """
    check_ranges(config)
    if not config.init_from:
        return config, None
    try:
        run = load_run(config.init_from)
    except FileNotFoundError as error:
        raise SettingsError(f"config.init_from={config.init_from}: {error}") from error
    config = config.copy_and_resolve_references()
    with config.unlocked():
        for name in INHERITED:
            if name in run.config:
                config[name] = run.config[name]
        config.source = config.source or run.config.source
        same_features = config.source == run.config.source and not run.config.get("encoder_learning_rate", 0)
        if same_features and not config.features_folder:
            config.features_folder = run.config.features_folder
    return config, run


def make_objective(
    config: ml_collections.ConfigDict, captioner: Captioner, vocabulary: Vocabulary, encoder: Encoder | None
) -> Objective:
    """The objective of the stage.

    Args:
      config: the settings.
      captioner, vocabulary: the model and its words.
      encoder: the encoder if it is trained too, else None.

    Raises:
      SettingsError: a setting of the objective is invalid.
    """
    try:
        arm = Arm(**config.arm)
    except ValueError as error:
        raise SettingsError(f"config.arm: {error}") from error
    if config.objective == "scst":
        options = {name: config.scst[name] for name in ("baseline", "samples", "mean_over")}
        predict = reweighted_predict(captioner, arm, stop_ids(vocabulary)) if config.scst.reweighted else None
        objective = objectives.self_critical_objective(
            captioner, max_length=max(config.lengths), predict=predict, **options
        )
    elif config.objective == "lrp_ift":
        objective = objectives.lrp_ift_objective(captioner, arm, stop_ids(vocabulary))
    else:
        objective = objectives.cross_entropy_objective(captioner, own_words=config.own_words)
    if config.compute_dtype == "bfloat16":
        objective = objectives.in_bfloat16(objective)
    elif config.compute_dtype != "float32":
        raise SettingsError(f"config.compute_dtype is {config.compute_dtype!r}: wanted float32 or bfloat16")
    if encoder is None:
        return objective
    return objectives.with_encoder(
        objective, encoder.module, constants_of(encoder), encoder.preprocessing, jitter=config.jitter
    )


def frequencies_of(
    config: ml_collections.ConfigDict, captions: Sequence[Sequence[Sequence[int]]], vocabulary_size: int
) -> Frequencies | None:
    """The document frequencies for the reward of SCST: counted once, cached with the features. Otherwise None."""
    if config.objective != "scst":
        return None
    if not config.features_folder:
        return document_frequencies(captions, vocabulary_size)
    folder = pathlib.Path(config.features_folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):  # so that only one of several processes counts
        return cached_frequencies(folder / "frequencies.npz", captions, vocabulary_size)


def constants_of(encoder: Encoder) -> Mapping[str, Any]:
    """The encoder's collections that are never trained."""
    return {name: tree for name, tree in encoder.params.items() if name != "params"}


def make_batches(
    config: ml_collections.ConfigDict,
    images: Images,
    captions: Sequence[Sequence[Sequence[int]]],
    share: tuple[int, int],
) -> Batches:
    """Batches of captions, or for SCST batches of images."""
    options = {"batch_size": config.batch_size, "seed": config.seed, "epochs": config.epochs, "share": share}
    if config.objective == "scst":
        return ImageBatches(images, captions, length=max(config.lengths), **options)
    return CaptionBatches(images, captions, lengths=config.lengths, **options)
