"""The process of one contender: python -m benchmarks.worker MODULE:FUNCTION SETTINGS, started by benchmarks/harness.py

FUNCTION(**SETTINGS), where SETTINGS is JSON, returns the ways: name -> a function without arguments that does the work
and waits until it is done. Ways whose names begin with an underscore are compared, not measured. Requests are lines
of JSON on stdin, answers are lines on stdout; output of libraries goes to stderr.
"""

import ctypes
import importlib
import json
import os
import pathlib
import sys
import time
from collections.abc import Callable

import numpy as np

STATUS, CLEAR_REFS = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")


def seconds(way: Callable) -> float:
    began = time.perf_counter()
    way()
    return time.perf_counter() - began


def gigabytes(way: Callable) -> float | None:
    """The peak memory of this process during the work, Python and libraries included; None if unknown."""
    try:
        ctypes.CDLL(None).malloc_trim(0)  # release memory that earlier ways no longer use
        CLEAR_REFS.write_text("5")  # resets the peak value of the kernel
        way()
        return int(STATUS.read_text().partition("VmHWM:")[2].split()[0]) / 1e6
    except (OSError, AttributeError, IndexError):
        return None


def save(way: Callable, file: str) -> None:
    """Saves the return value of the way, to compare the contenders."""
    np.save(file, np.asarray(way()))


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    path, settings = sys.argv[1], json.loads(sys.argv[2])
    module, _, function = path.partition(":")
    ways = getattr(importlib.import_module(module), function)(**settings)
    requests = {"seconds": seconds, "gigabytes": gigabytes, "save": save}
    print(json.dumps([name for name in ways if not name.startswith("_")]), file=answers, flush=True)
    for line in sys.stdin:
        request, name, *rest = json.loads(line)
        print(json.dumps(requests[request](ways[name], *rest)), file=answers, flush=True)


if __name__ == "__main__":
    main()
