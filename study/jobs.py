"""Runs many commands in parallel, each once; an interrupted run continues where it stopped."""

import concurrent.futures
import os
import pathlib
import queue
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence

Command = tuple[pathlib.Path, Sequence[str]]
"""(A file that exists when the command is done, the command.)"""


def run_chains(chains: Iterable[tuple[str, Sequence[Command]]], jobs: int, say: Callable[[str], None] = print) -> int:
    """Runs chains of commands in parallel; the commands of a chain run one after the other.

    A command that fails ends its chain but not the others. The output of a command goes to a file beside its mark
    (the file that exists when it is done), with the suffix `.log`. If a command does not write its mark itself, it is
    created when the command succeeds.

    Args:
      chains: (name, commands).
      jobs: number of chains that run at a time. Each uses its share of the processors, if the system supports that.
      say: called with a message when a command starts, ends or fails.

    Returns:
      The number of failed commands.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    free: queue.Queue[list[int]] = queue.Queue()
    for job in range(jobs):
        free.put(cores[job::jobs] if jobs <= len(cores) else [])

    def run(name: str, commands: Sequence[Command]) -> int:
        mine = free.get()
        try:
            if mine:
                # The affinity of this thread, which the programs that it starts inherit.
                os.sched_setaffinity(0, mine)
            for mark, command in commands:
                if mark.exists():
                    continue
                began = time.monotonic()
                log = mark.with_suffix(".log")
                log.parent.mkdir(parents=True, exist_ok=True)
                with open(log, "ab") as file:
                    code = subprocess.run(list(command), stdout=file, stderr=subprocess.STDOUT).returncode
                if code:
                    say(f"{name}: failed with code {code}, see {log}")
                    return 1
                if not mark.exists():
                    mark.touch()
                say(f"{name}: {mark.parent.name}/{mark.name} after {time.monotonic() - began:.0f} s")
            return 0
        finally:
            free.put(mine)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return sum(pool.map(lambda chain: run(*chain), chains))
