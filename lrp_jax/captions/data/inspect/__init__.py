"""Statistics and a contact sheet of a source of captioned images: `lrp-jax inspect SOURCE`."""

from lrp_jax.captions.data.inspect.counts import Description, describe
from lrp_jax.captions.data.inspect.report import report
from lrp_jax.captions.data.inspect.sheet import contact_sheet

__all__ = ["Description", "contact_sheet", "describe", "report"]
