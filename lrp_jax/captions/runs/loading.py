"""Loads a captioner by its name."""

import dataclasses
import os
import pathlib

from lrp_jax.captions.runs.speaker import Speaker

SCENES = "scenes"
"""The name of the small captioner for drawn scenes that ships with the package."""


def load(name: str | os.PathLike = SCENES, *, bottom_up: str | os.PathLike | None = None) -> Speaker:
    """A captioner that is ready to caption images and to be explained.

    Args:
      name: "scenes" for the captioner that ships with the package; or the folder of a run (`lrp-jax train --workdir`).
      bottom_up: for a captioner of bottom-up features, the folder of the images' features; None for the features that
        it was trained on.

    Raises:
      FileNotFoundError: there is no such captioner, or no features.
      ValueError: a file is damaged, files do not belong together, the features do not fit the captioner, or `bottom_up`
        is given for a captioner with an encoder.
    """
    # Imported here: the captioner of the package needs no checkpoints.
    if os.fspath(name) == SCENES and not pathlib.Path(name, "config.json").exists():
        from lrp_jax.captions.runs.scene_captioner import load_scene_captioner

        speaker = load_scene_captioner()
    else:
        from lrp_jax.captions.runs.folder import load_run

        speaker = load_run(pathlib.Path(name).expanduser())
    return with_regions(speaker, bottom_up)


def with_regions(speaker: Speaker, folder: str | os.PathLike | None = None) -> Speaker:
    """Opens the feature store of a captioner of bottom-up features; a captioner with an encoder is returned unchanged.

    Args:
      speaker: the captioner.
      folder: of the features; None for the features that it was trained on.

    Raises:
      FileNotFoundError: there are no features.
      ValueError: the features do not fit the captioner, or a folder is given for a captioner with an encoder.
    """
    if speaker.encoder is not None:
        if folder:
            raise ValueError("got a folder of features for a captioner that has an encoder: leave it out")
        return speaker
    from lrp_jax.captions.data.bottom_up import RegionStore

    store = RegionStore(folder or speaker.config.bottom_up)
    reads = speaker.params["params"]["image_projection"]["kernel"].shape[0]
    if store.d != reads:
        raise ValueError(f"has features of size {store.d}, the captioner reads {reads}")
    return dataclasses.replace(speaker, regions=store)
