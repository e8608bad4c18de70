"""Checks before a run starts: settings, devices, and the output folder."""

import json
import pathlib
from typing import Any

import jax
import ml_collections

from lrp_jax.captions.runs.folder import load_config
from lrp_jax.captions.runs.settings import EARLIER, SettingsError
from lrp_jax.captions.training.ranges import check_ranges, check_together


def check_settings(config: ml_collections.ConfigDict) -> None:
    """Refuses values out of their `RANGES`, values that do not work together, and batch sizes that are not a multiple
    of the number of devices.

    Raises:
      SettingsError: names the setting and the wanted value.
    """
    check_ranges(config)
    check_together(config)
    for name, devices, of in (
        ("batch_size", jax.device_count() * config.accumulate, "devices, times config.accumulate"),
        ("evaluation_batch_size", jax.local_device_count(), "devices of a process"),
    ):
        if config[name] % devices:
            raise SettingsError(f"config.{name} is {config[name]}: wanted a multiple of {devices}, the number of {of}")


def check_workdir(config: ml_collections.ConfigDict, workdir: pathlib.Path, resume: bool) -> None:
    """Refuses a folder that holds a run, unless that run is to be resumed.

    Raises:
      FileExistsError: it holds a run, and `resume` is False.
      SettingsError: it holds a run with other settings.
    """
    if not (workdir / "config.json").exists():
        return
    if not resume:
        raise FileExistsError(f"{workdir} holds a run already: pass --resume to continue it, or another --workdir")
    before, now = EARLIER | _flat(load_config(workdir)), _flat(config)
    names = sorted((before.keys() | now.keys()) - {"loader_threads"})  # which affects no result
    changed = [name for name in names if before.get(name) != now.get(name)]
    if changed:
        name = changed[0]
        raise SettingsError(
            f"cannot resume with other settings: config.{name} was {before.get(name)!r} in {workdir} and is "
            f"{now.get(name)!r} now; use another --workdir for a new run"
        )


def _flat(config: ml_collections.ConfigDict) -> dict[str, Any]:
    """Settings by their dotted names; values go through JSON so that lists and tuples compare equal."""
    flat = {}
    for name, value in config.items():
        if isinstance(value, ml_collections.ConfigDict):
            flat.update({f"{name}.{inner}": item for inner, item in _flat(value).items()})
        else:
            flat[name] = json.loads(json.dumps(value))
    return flat
