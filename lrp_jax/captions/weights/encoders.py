"""Detects the encoder that a set of arrays belongs to."""

from collections.abc import Iterable

# Names that no other encoder has, by encoder; the first that is present decides.
_MARKS = {
    "squeezenet": ("features.3.squeeze.weight", "conv25_weight"),
    "resnet": ("layer1.0.conv1.weight", "encoder.stages.0.layers.0.layer.0.convolution.weight"),
    "vgg16": ("features.28.weight", "block5_conv3/kernel"),
}


def encoder_kind(names: Iterable[str]) -> str:
    """ "vgg16", "resnet" or "squeezenet", from the names of the arrays in a file.

    Raises:
      ValueError: the names belong to none of these.
    """
    names = list(names)
    plain = {name.removeprefix("resnet.") for name in names}
    for kind, marks in _MARKS.items():
        if plain.intersection(marks):
            return kind
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    raise ValueError(f"unknown encoder: got arrays {shown}; wanted those of {', '.join(_MARKS)}")
