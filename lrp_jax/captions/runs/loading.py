"""A captioner by its name."""

import dataclasses
import os
import pathlib

from lrp_jax.captions.runs.speaker import Speaker

SCENES = "scenes"
"""The name of the small captioner of drawn scenes that ships with the package."""


def load(name: str | os.PathLike = SCENES, *, bottom_up: str | os.PathLike | None = None) -> Speaker:
    """A captioner that is ready to caption and to be explained.

    Args:
      name: "scenes" for the captioner that ships with the package; or the folder of a run (`lrp-jax train --workdir`).
      bottom_up: for a captioner of bottom-up features, the folder of those of the images; None: those that it was
        trained on.

    Raises:
      FileNotFoundError: there is no such captioner; or no features.
      ValueError: a file is damaged, files do not belong together, the features do not fit the captioner, or it has an
        encoder and wants none.
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
    """A captioner of bottom-up features with the store of those; one with an encoder as it is.

    Args:
      speaker: the captioner.
      folder: of the features; None: those that it was trained on.

    Raises:
      FileNotFoundError: there are no features.
      ValueError: they do not fit the captioner, or it has an encoder and wants none.
    """
    if speaker.encoder is not None:
        if folder:
            raise ValueError("this captioner has an encoder, leave it out")
        return speaker
    from lrp_jax.captions.data.bottom_up import RegionStore

    store = RegionStore(folder or speaker.config.bottom_up)
    reads = speaker.params["params"]["image_projection"]["kernel"].shape[0]
    if store.d != reads:
        raise ValueError(f"has features of size {store.d}, the captioner reads {reads}")
    return dataclasses.replace(speaker, regions=store)
