"""Which encoder some arrays belong to."""

from collections.abc import Iterable

# A name that no other encoder has, by encoder; the first that is there decides.
_MARKS = {
    "squeezenet": ("features.3.squeeze.weight", "conv25_weight"),
    "resnet": ("layer1.0.conv1.weight", "encoder.stages.0.layers.0.layer.0.convolution.weight"),
    "vgg16": ("features.28.weight", "block5_conv3/kernel"),
}


def encoder_kind(names: Iterable[str]) -> str:
    """ "vgg16", "resnet" or "squeezenet", from the names of the arrays in a file.

    Raises:
      ValueError: they belong to none of these.
    """
    names = list(names)
    plain = {name.removeprefix("resnet.") for name in names}
    for kind, marks in _MARKS.items():
        if plain.intersection(marks):
            return kind
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    raise ValueError(f"no encoder that is known here: got arrays {shown}; wanted those of {', '.join(_MARKS)}")
