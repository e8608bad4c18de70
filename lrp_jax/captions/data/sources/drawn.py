"""Drawn scenes, as a source."""

from lrp_jax.captions import scenes
from lrp_jax.captions.data.sources.splits import Splits


def scenes_source(spec: str, argument: str) -> Splits:
    """The splits of drawn scenes.

    Args:
      spec: the whole name, for error messages.
      argument: `BIAS[,OPTION=NUMBER...][,style=outline]`.

    Raises:
      ValueError: there is no such bias or option.
    """
    bias, *parts = argument.split(",")
    options = {}
    for part in parts:
        name, _, number = part.partition("=")
        if name == "style" and number in scenes.STYLES:
            options["style"] = number
            continue
        if name not in ("seed", "size", *scenes.SPLITS) or not number.isdecimal():
            raise ValueError(
                f"source {spec!r}: got {part!r}, wanted OPTION=NUMBER with one of the options seed, size, "
                + ", ".join(scenes.SPLITS)
                + ", or style="
                + " or ".join(scenes.STYLES)
            )
        options[name] = int(number)
    counts = {split: options.pop(split, None) for split in scenes.SPLITS}
    drawn = {split: scenes.dataset(split, bias=bias, count=count, **options) for split, count in counts.items()}
    return Splits(spec, drawn)
