"""Trains a captioner: cross-entropy, CIDEr as a reward (SCST), LRP inference.

Examples:

  From a config to a run, and to continue it where it stopped:
    lrp-jax train --config=ada_scenes --workdir=runs/ada
    lrp-jax train --config=ada_scenes --workdir=runs/ada --resume

  Photographs, with other settings:
    lrp-jax train --config=photos:mhfc --workdir=runs/photos \\
      --config.source=json:flickr8k.json --config.seed=1 \\
      --config.encoder_weights=squeezenet1_1.npz

  A later stage starts from an earlier run, and uses its data, its model and
  its best parameters:
    lrp-jax train --config=scst --workdir=runs/ada_scst \\
      --config.init_from=runs/ada
    lrp-jax train --config=lrp_ift --workdir=runs/ada_lrp \\
      --config.init_from=runs/ada

  For another program: stdout has a single line, which is JSON:
    lrp-jax train --config=ada_scenes --workdir=runs/ada --json

On several hosts, run the same command on each: on TPU pods and under Slurm
with --distributed, elsewhere with --coordinator=HOST:PORT --processes=N
--process=0 (1, ...).

Any setting of the config can be changed with --config.NAME=VALUE;
`lrp_jax.captions.runs.settings.paper_settings` lists them.

Exit codes:
  0    trained
  1    training stopped early: a loss was not finite, or the disk is full
  2    nothing could be started
  130  interrupted: continue with --resume
  141  stdout was closed by its reader
  143  stopped by SIGTERM, after saving: continue with --resume
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
from absl import flags
from ml_collections import config_flags

from lrp_jax.captions.runs.settings import SettingsError
from lrp_jax.captions.training import NotFiniteError, StoppedError, train_and_evaluate
from lrp_jax.cli.common import (
    NOT_STARTED,
    SOME_FAILED,
    STOPPED,
    Output,
    define_common_flags,
    refuse,
    run_command,
    run_verb,
)
from lrp_jax.cli.overrides import OverrideError, base_config, check_overrides, with_config_files

# NOT_STARTED for errors before the first step, SOME_FAILED for errors during training.
CODES = {
    StoppedError: STOPPED,
    NotFiniteError: SOME_FAILED,
    SettingsError: NOT_STARTED,
    FileExistsError: NOT_STARTED,
    FileNotFoundError: NOT_STARTED,
    OSError: SOME_FAILED,
}


def define_flags(argv: Sequence[str]) -> None:
    config_flags.DEFINE_config_file(
        "config", None, "Name or file of the settings, NAME or NAME:ARGUMENT.", lock_config=True, sys_argv=list(argv)
    )
    flags.DEFINE_string("workdir", None, "Folder of the run; created if missing.")
    flags.DEFINE_bool("resume", False, "Continue from the last checkpoint in workdir.")
    flags.DEFINE_bool("distributed", False, "Run as one of several processes, which jax detects.")
    flags.DEFINE_string("coordinator", None, "HOST:PORT of process 0, if jax cannot detect it.")
    flags.DEFINE_integer("processes", None, "Number of processes, with --coordinator.")
    flags.DEFINE_integer("process", None, "Index of this process, with --coordinator.")
    define_common_flags()
    flags.mark_flags_as_required(["config", "workdir"])


def train(output: Output) -> tuple[int, Mapping[str, Any]]:
    """Trains as the flags say; returns the exit code and the summary."""
    del output
    values = flags.FLAGS
    if values.distributed or values.coordinator:
        jax.distributed.initialize(values.coordinator, values.processes, values.process)
    results = train_and_evaluate(values.config, values.workdir, resume=values.resume)
    for name, value in results.items():
        print(f"{name:24s} {value:.3f}")
    return 0, {"workdir": values.workdir, "results": results}


def main(program: str, arguments: Sequence[str]) -> int:
    """Runs the verb; ends the process."""
    argv = [program, *arguments]
    try:
        # Before absl, which would report a wrong setting with a traceback.
        config = base_config(argv)
        if config is not None:
            check_overrides(argv, config)
            argv = with_config_files(argv)
    except OverrideError as error:
        refuse(program, str(error))
    define_flags(argv)
    return run_verb(
        __name__, argv, lambda argv: run_command(argv, train, continue_hint="continue with --resume", codes=CODES)
    )
