"""Trains a captioner: cross-entropy, CIDEr as a reward (SCST), LRP inference.

Examples:

  From a config to a run, and on where it stopped:
    python train.py --config=configs/ada_scenes.py --workdir=runs/ada
    python train.py --config=configs/ada_scenes.py --workdir=runs/ada --resume

  Photographs, with settings of one's own:
    python train.py --config=configs/photos.py:mhfc --workdir=runs/photos \\
      --config.source=json:flickr8k.json --config.seed=1 \\
      --config.encoder_weights=squeezenet1_1.npz

  A later stage starts from an earlier run, whose data, model and best
  parameters it takes:
    python train.py --config=configs/scst.py --workdir=runs/ada_scst \\
      --config.init_from=runs/ada
    python train.py --config=configs/lrp_ift.py --workdir=runs/ada_lrp \\
      --config.init_from=runs/ada

  For another program: the last line on stdout is JSON, and it is the only one:
    python train.py --config=configs/ada_scenes.py --workdir=runs/ada --json

On several hosts, the same command on each; on TPU pods and under Slurm
--distributed is enough, elsewhere --coordinator=HOST:PORT --processes=N
--process=0 (1, ...) say who is who.

Any setting of the config can be changed with --config.NAME=VALUE;
`lrp_jax.training.paper_settings` lists them.

Exit codes:
  0    trained
  1    it stopped on the way, of a loss that was not finite or a full disk
  2    nothing could be started
  130  interrupted: go on with --resume
  141  nobody reads stdout any more
  143  stopped by SIGTERM, after saving: go on with --resume
"""

from collections.abc import Mapping
from typing import Any

import jax
from absl import app, flags
from ml_collections import config_flags

from lrp_jax import command_line
from lrp_jax.command_line import NOT_STARTED, SOME_FAILED, STOPPED, Voice, conduct, define_manners, refuse
from lrp_jax.overrides import OverrideError, base_config, check_overrides
from lrp_jax.training import NotFiniteError, SettingsError, StoppedError, train_and_evaluate

_CONFIG = config_flags.DEFINE_config_file("config", None, "File of the settings.", lock_config=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run; made if missing.")
_RESUME = flags.DEFINE_bool("resume", False, "Go on from the last checkpoint in workdir.")
_DISTRIBUTED = flags.DEFINE_bool("distributed", False, "One of several processes that jax finds by itself.")
_COORDINATOR = flags.DEFINE_string("coordinator", None, "HOST:PORT of process 0, where jax cannot find it.")
_PROCESSES = flags.DEFINE_integer("processes", None, "How many processes there are, with --coordinator.")
_PROCESS = flags.DEFINE_integer("process", None, "Which of them this is, with --coordinator.")
define_manners()

# What is known before the first step could not be started; what comes later has trained something.
CODES = {
    StoppedError: STOPPED,
    NotFiniteError: SOME_FAILED,
    SettingsError: NOT_STARTED,
    FileExistsError: NOT_STARTED,
    FileNotFoundError: NOT_STARTED,
    OSError: SOME_FAILED,
}


def train(voice: Voice) -> tuple[int, Mapping[str, Any]]:
    """Trains as the flags say; returns the exit code and the summary."""
    del voice
    if _DISTRIBUTED.value or _COORDINATOR.value:
        jax.distributed.initialize(_COORDINATOR.value, _PROCESSES.value, _PROCESS.value)
    results = train_and_evaluate(_CONFIG.value, _WORKDIR.value, resume=_RESUME.value)
    for name, value in results.items():
        print(f"{name:24s} {value:.3f}")
    return 0, {"workdir": _WORKDIR.value, "results": results}


def parse_flags(argv: list[str]) -> list[str]:
    """The common parser, after the settings were looked at: absl would tell of them with a traceback."""
    try:
        config = base_config(argv)
        if config is not None:
            check_overrides(argv, config)
    except OverrideError as error:
        refuse(argv[0], str(error))
    return command_line.parse_flags(argv)


def main(argv: list[str]) -> int:
    return conduct(argv, train, go_on="go on with --resume", codes=CODES)


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main, flags_parser=parse_flags)
