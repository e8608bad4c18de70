"""The configs that ship with the package: one file for each kind of run."""

import importlib.resources
import importlib.util
import pathlib

import ml_collections

from lrp_jax.captions.runs.settings import SettingsError


def configs_folder() -> pathlib.Path:
    """The folder of the configs: inside the package if it was installed from a wheel, beside it in a clone."""
    package = pathlib.Path(str(importlib.resources.files("lrp_jax")))
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def config_file(name: str) -> pathlib.Path:
    """The file of a config, by its name or its path.

    Args:
      name: "ada_scenes", "study/lrp_ift", or the path of another file.

    Raises:
      SettingsError: there is no such config.
    """
    path = pathlib.Path(name).expanduser()
    if path.is_file():
        return path
    packaged = configs_folder() / f"{name.removesuffix('.py').removeprefix('configs/')}.py"
    if packaged.is_file():
        return packaged
    known = sorted(file.stem for file in configs_folder().glob("*.py"))
    raise SettingsError(f"config {name}: no such file; wanted a path, or one of {', '.join(known)}")


def settings_of(spec: str) -> ml_collections.ConfigDict:
    """The settings of a config.

    Args:
      spec: NAME or NAME:ARGUMENT, as in `--config=`.

    Raises:
      SettingsError: there is no such config.
    """
    name, colon, argument = spec.partition(":")
    path = config_file(name)
    module_spec = importlib.util.spec_from_file_location(f"lrp_jax_config_{path.stem}", path)
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    return module.get_config(argument) if colon else module.get_config()
