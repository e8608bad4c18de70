"""The provenance of an explanation (model, weights, rules and versions), for its record and its page."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import jax
import numpy as np

from lrp_jax import __version__
from lrp_jax.captions import explain
from lrp_jax.captions.runs.speaker import Speaker


def provenance(speaker: Speaker, methods: Sequence[str]) -> dict[str, Any]:
    """Model, weights, methods, config and versions behind the results, as a JSON object.

    Args:
      speaker: the models.
      methods: the names of the explanation methods.
    """
    weights, encoder = hashlib.sha256(), speaker.encoder
    for path, leaf in jax.tree.leaves_with_path([speaker.params, encoder and encoder.params]):
        leaf = np.ascontiguousarray(leaf)
        weights.update(f"{jax.tree_util.keystr(path)} {leaf.dtype} {leaf.shape} ".encode() + leaf.tobytes())
    config = speaker.config.to_dict()
    return {
        **speaker.origin,
        "model": {
            "captioner": repr(speaker.captioner),
            "encoder": repr(encoder and encoder.module),
            "preprocessing": repr(speaker.preprocessing),
            "words": len(speaker.words),
            "weights_sha256": weights.hexdigest(),
        },
        **_methods(methods),
        "config": json.loads(json.dumps(config, default=str)),
        "versions": {
            "lrp_jax": __version__,
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("jax", "flax", "numpy", "pillow")},
        },
    }


def _methods(names: Sequence[str]) -> dict[str, Any]:
    """The settings and rules of the method; if there are several methods, by name."""
    methods = [explain.METHODS[name] for name in names]
    settings = {method.name: repr(method) for method in methods}
    rules = {method.name: None if method.rules is None else str(method.rules) for method in methods}
    if len(methods) == 1:
        settings, rules = settings[names[0]], rules[names[0]]
    return {"settings": settings, "rules": rules}


def facts(made_by: Mapping[str, Any]) -> dict[str, str]:
    """The part of `provenance` that is shown on the page."""
    result = {"model": made_by["model"]["captioner"], "encoder": made_by["model"]["encoder"]}
    if "checkpoint" in made_by:
        result["checkpoint"] = made_by["checkpoint"]
    for name, file in made_by.get("weights", {}).items():
        result[name.replace("_", " ")] = f"{file['file']} (SHA-256 {file['sha256'][:12]}…)"
    rules = made_by["rules"]
    if isinstance(rules, dict):
        result |= {f"rules of {name}": text for name, text in rules.items() if text}
    elif rules:
        result["rules"] = rules
    result["versions"] = ", ".join(f"{name} {version}" for name, version in made_by["versions"].items())
    return result
