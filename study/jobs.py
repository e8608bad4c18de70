"""Many commands, some at a time, each once: what was interrupted goes on where it stopped."""

import concurrent.futures
import os
import pathlib
import queue
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence

Command = tuple[pathlib.Path, Sequence[str]]
"""(A file that is there when the command is done, the command.)"""


def run_chains(chains: Iterable[tuple[str, Sequence[Command]]], jobs: int, say: Callable[[str], None] = print) -> int:
    """Runs chains of commands side by side; the commands of a chain one after the other.

    A command that fails ends its chain and no other. The output of each goes to the file beside its mark, `.log` in
    place of the ending. A command leaves its own mark, or it is made when it ends well.

    Args:
      chains: (name, commands).
      jobs: how many run at a time. Each keeps to its share of the processors, where the system can do that.
      say: told of what begins, ends and fails.

    Returns:
      How many commands failed.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    free: queue.Queue[list[int]] = queue.Queue()
    for job in range(jobs):
        free.put(cores[job::jobs] if jobs <= len(cores) else [])

    def run(name: str, commands: Sequence[Command]) -> int:
        mine = free.get()
        try:
            if mine:
                # Of this thread; the programs that it starts inherit it.
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
