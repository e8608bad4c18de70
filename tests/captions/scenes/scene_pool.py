"""Scenes and captions that several test files measure, made once per process."""

import functools

from lrp_jax.captions import scenes


@functools.cache
def pool(split: str, bias: str, count: int) -> tuple[scenes.Scene, ...]:
    world = scenes.dataset(split, bias=bias, seed=5, count=count)
    return tuple(world.scene(i) for i in range(count))


@functools.cache
def told(split: str, bias: str, count: int) -> tuple[tuple[list[str], ...], ...]:
    """The captions of each scene as lists of words."""
    return tuple(tuple(text.split() for text in scenes.captions(scene)) for scene in pool(split, bias, count))
