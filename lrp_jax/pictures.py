"""The pictures that are to be explained: files, folders, drawn scenes."""

import functools
import os

from lrp_jax import data, render
from lrp_jax.data import scenes
from lrp_jax.data.sources import source
from lrp_jax.training import Run

# Scenes are drawn once more, larger than the model sees them, for people: pixels of a side.
SCENE_SIZE = 480


def find_pictures(images: str, out: str | os.PathLike, run: Run) -> list[render.Picture]:
    """The image of a file, the images of a folder and all below it, or scenes of a split.

    What is read of each are the model's own pixels, from the file to its size in one go as in training; people are
    shown the whole picture.

    Args:
      images: a path, or `scenes:SPLIT` or `scenes:SPLIT:INDICES` of the world that the run was trained on.
      out: the folder of the results, which is not searched.
      run: the models.

    Raises:
      ValueError: there are none.
    """
    if images.startswith("scenes:"):
        return _scenes(images, run)
    try:
        # Not what an earlier run wrote, where the results lie in the folder of the images.
        read, show = functools.partial(data.load_image, size=_size(run)), data.load_image if _size(run) else None
        pictures = render.pictures_at(images, read, skip=out, show=show)
    except FileNotFoundError:
        raise ValueError("no such file or folder") from None
    if not pictures:
        raise ValueError(f"no image in this folder, looked for {' '.join(render.SUFFIXES)}")
    return pictures


def _scenes(images: str, run: Run) -> list[render.Picture]:
    _, split, *rest = images.split(":", 2)
    trained_on = str(run.config.get("source", ""))
    splits = source(trained_on if trained_on.startswith("scenes:") else "scenes:strong")
    if split not in splits:
        raise ValueError(f"got split {split!r}, wanted one of {', '.join(splits)}")
    dataset = splits[split]
    try:
        indices = _indices(rest[0]) if rest else list(range(len(dataset)))
    except ValueError:
        raise ValueError("wanted indices such as 0-19 or 3,7,10-12") from None
    if not indices or max(indices) >= len(dataset):
        raise ValueError(f"wanted indices from 0 to {len(dataset) - 1}")

    def scene(index: int) -> render.Picture:
        return render.Picture(
            f"{split}_{index}",
            read=lambda: data.load_image(dataset[index].image, _size(run)),
            show=lambda: scenes.draw(dataset.scene(index), SCENE_SIZE),
        )

    return [scene(index) for index in indices]


def _size(run: Run) -> tuple[int, int] | None:
    """What the encoder wants; None where it is not run."""
    return None if run.preprocessing is None else run.preprocessing.size


def _indices(text: str) -> list[int]:
    indices: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        indices += range(int(first), int(last if dash else first) + 1)
    return list(dict.fromkeys(indices))
