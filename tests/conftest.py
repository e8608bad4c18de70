"""The suite runs in float64 with eight fake CPU devices; float32 tests pass float32 arrays.

The flags are set before jax is imported, so this file has to stay the first one that does.
"""

import os
import pathlib
from importlib import metadata

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Nearly all the time of the suite is compilation, and each program runs once or twice. Level 0 would be faster still,
# but jaxlib 0.10 then makes NaN of some programs with a `cond`.
FAST_COMPILATION = "--xla_backend_optimization_level=1 --xla_llvm_disable_expensive_passes=true"
# A quarter of the compilation of a training step.
FAST_COMPILATION += (
    " --xla_backend_extra_options="
    "xla_cpu_disable_loop_unrolling,xla_cpu_optimize_for_size,xla_cpu_disable_slp_vectorizer"
)
if metadata.version("jaxlib").startswith("0.10."):
    # The newer emitters compile more slowly. A jaxlib that no longer knows a flag ends the process.
    FAST_COMPILATION += " --xla_cpu_use_fusion_emitters=false"
os.environ["XLA_FLAGS"] = " ".join(
    [FAST_COMPILATION, os.environ.get("XLA_FLAGS", ""), "--xla_force_host_platform_device_count=8"]
)
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(REPOSITORY / ".cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")

import hypothesis
import jax
import pytest

jax.config.update("jax_enable_x64", True)

# Compilation makes the first example slow and the time of a test mean nothing; the seeds are fixed so that
# a failure is a change of the code and not of the dice.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, max_examples=25)
hypothesis.settings.load_profile("suite")


# Each compiled program keeps about three memory maps. Linux gives a process 65,530 of them, and XLA's compiler ends it
# with a segmentation fault where it gets none, so a worker lets go of its programs before.
MAPS = pathlib.Path("/proc/self/maps")
MOST_MAPS = 20_000


@pytest.fixture(scope="module", autouse=True)
def few_memory_maps():
    """Forgets compiled programs behind a module that leaves too many; does nothing on systems without /proc."""
    yield
    if MAPS.exists() and MAPS.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()


@pytest.fixture(scope="session")
def goldens() -> pathlib.Path:
    """The folder of the golden arrays."""
    return pathlib.Path(__file__).parent / "goldens"


@pytest.fixture(scope="session")
def realdata() -> pathlib.Path:
    """The folder of photographs and weights beside the repository; skips where there is none."""
    folder = REPOSITORY.parent / "shared" / "realdata"
    if not folder.is_dir():
        pytest.skip(f"needs real data, which is not part of the repository: no folder {folder}")
    return folder
