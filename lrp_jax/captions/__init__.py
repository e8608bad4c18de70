"""Image captioners with attention: models, explanations, training, measures.

Needs `pip install "lrp_jax[captions]"`.
"""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrp_jax.captions.runs.loading import load
    from lrp_jax.captions.runs.speaker import Caption, Speaker

for _name in ("flax", "ml_collections", "PIL"):  # told here once, and not by whatever module comes to it first
    if importlib.util.find_spec(_name) is None:
        raise ModuleNotFoundError(f'{_name} is not installed; pip install "lrp_jax[captions]"', name=_name)

__all__ = ["Caption", "Speaker", "load"]

_HOMES = {"Caption": "runs.speaker", "Speaker": "runs.speaker", "load": "runs.loading"}


def __getattr__(name: str) -> Any:
    # When somebody asks: who wants the metrics alone waits for no models.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
