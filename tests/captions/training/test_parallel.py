"""The same training on one device, on eight, and on two processes of four."""

import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest

PROGRAM = pathlib.Path(__file__).parent / "parallel_program.py"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(out, processes, devices):
    port = free_port()
    started = [
        subprocess.Popen(
            [sys.executable, PROGRAM, out, str(processes), str(index), str(port), str(devices)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(processes)
    ]
    for process in started:
        _, said = process.communicate(timeout=400)
        assert process.returncode == 0, said[-2000:]
    with np.load(out, allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return run(tmp_path_factory.mktemp("alone") / "found.npz", processes=1, devices=1)


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "devices"), [(1, 8), (2, 4)])
def test_losses_and_parameters_after_twenty_steps(alone, tmp_path, processes, devices):
    found = run(tmp_path / "found.npz", processes, devices)
    assert found.keys() == alone.keys()
    for name, expected in alone.items():
        bound = 1e-9 if "/float64/" in name else 1e-5
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=bound * max(scale, 1e-3), err_msg=name)
    for stage in ("cross_entropy", "scst", "lrp_ift"):
        losses = alone[f"{stage}/float64/losses"]
        assert len(losses) == 20 and len(np.unique(losses)) == 20
        assert len(alone[f"{stage}/float32/losses"]) == 1
