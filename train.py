"""Trains a captioner: with cross-entropy, with CIDEr as a reward (SCST), or with LRP inference.

    python train.py --config=configs/ada_scenes.py --workdir=runs/ada
    python train.py --config=configs/ada_scenes.py --workdir=runs/ada --resume
    python train.py --config=configs/photos.py:mhfc --workdir=runs/photos \\
        --config.source=json:flickr8k.json --config.encoder_weights=squeezenet1_1.npz --config.seed=1

A later stage starts from an earlier run, whose data, model and best parameters it takes:

    python train.py --config=configs/scst.py --workdir=runs/ada_scst --config.init_from=runs/ada
    python train.py --config=configs/lrp_ift.py --workdir=runs/ada_lrp --config.init_from=runs/ada

On several hosts, the same command on each; on TPU pods and under Slurm --distributed is enough, elsewhere
--coordinator=HOST:PORT --processes=N --process=0 (1, ...) say who is who.

Any setting of the config can be changed with --config.NAME=VALUE; `lrp_jax.training.paper_settings` lists them.
"""

import os
import re
import signal
import sys
from typing import NoReturn

import jax
from absl import app, flags, logging
from ml_collections import config_flags

from lrp_jax.training import NotFiniteError, SettingsError, StoppedError, train_and_evaluate

_CONFIG = config_flags.DEFINE_config_file("config", None, "File of the settings.", lock_config=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run; made if missing.")
_RESUME = flags.DEFINE_bool("resume", False, "Go on from the last checkpoint in workdir.")
_DISTRIBUTED = flags.DEFINE_bool("distributed", False, "One of several processes that jax finds by itself.")
_COORDINATOR = flags.DEFINE_string("coordinator", None, "HOST:PORT of process 0, where jax cannot find it.")
_PROCESSES = flags.DEFINE_integer("processes", None, "How many processes there are, with --coordinator.")
_PROCESS = flags.DEFINE_integer("process", None, "Which of them this is, with --coordinator.")


def main(argv: list[str]) -> None:
    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)  # orbax tells of every file that it opens
    if len(argv) > 1:
        _stop(f"cannot read {argv[1]!r}: wanted flags of the form --name=value")
    file = config_flags.get_config_filename(flags.FLAGS["config"]).partition(":")[0]
    if not os.path.exists(file):
        _stop(f"no config at {file}: see the folder configs")
    config = _CONFIG.value
    if _DISTRIBUTED.value or _COORDINATOR.value:
        jax.distributed.initialize(_COORDINATOR.value, _PROCESSES.value, _PROCESS.value)
    try:
        results = train_and_evaluate(config, _WORKDIR.value, resume=_RESUME.value)
    except StoppedError as error:
        print(f"train.py: {error}", file=sys.stderr)
        sys.exit(128 + signal.SIGTERM)
    except (OSError, NotFiniteError, SettingsError) as error:
        _stop(error)
    for name, value in results.items():
        print(f"{name:24s} {value:.3f}")


def _parse_flags(arguments: list[str]) -> list[str]:
    """absl's parser; a mistyped setting becomes one line instead of a traceback."""
    try:
        return app.parse_flags_with_usage(arguments)
    except AttributeError as error:
        near = re.search(r'"(\w+)" instead of "(\w+)"', str(error))
        unknown = near[2] if near else re.sub(r"\W", "", str(error))
        _stop(f"the config has no setting {unknown!r}" + (f"; did you mean {near[1]!r}?" if near else ""))


def _stop(message: object) -> NoReturn:
    sys.exit(f"train.py: {message}")


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main, flags_parser=_parse_flags)
