"""What is not installed is named with the one line that installs it."""

import subprocess
import sys

import pytest

# As if nothing but the library's three dependencies were there.
HIDDEN = """
import sys
class Without:
    def __init__(self, finder):
        self._finder = finder
    def __getattr__(self, name):
        return getattr(self._finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {names!r} else self._finder.find_spec(name, path, target)
sys.meta_path[:] = map(Without, sys.meta_path)
"""
OF_CAPTIONS = ("flax", "optax", "orbax", "ml_collections", "absl", "PIL", "matplotlib", "tqdm", "pandas", "grain")


def run(code, names=OF_CAPTIONS):
    return subprocess.run([sys.executable, "-c", HIDDEN.format(names=names) + code], capture_output=True, text=True)


def test_the_library_needs_no_more_than_its_three_dependencies():
    result = run("import lrp_jax; print(lrp_jax.lrp(lambda x: (x * 2).sum())(3.0))")
    assert result.returncode == 0 and result.stdout.strip() == "6.0", result.stderr


@pytest.mark.parametrize("verb", ["explain", "train", "evaluate", "demo", "inspect", "convert"])
def test_a_verb_without_the_captions_is_one_line(verb):
    result = run(f"import sys; from lrp_jax.cli.main import main; sys.exit(main([{verb!r}]))")
    assert result.returncode == 2 and result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.rstrip().endswith('is not installed; pip install "lrp_jax[captions]"')


def test_the_command_says_what_there_is_without_the_captions():
    result = run("import sys; from lrp_jax.cli.main import main; sys.exit(main([]))")
    assert result.returncode == 0 and 'pip install "lrp_jax[captions]"' in result.stdout


def test_the_captions_without_their_parts_say_so_when_imported():
    result = run("import lrp_jax.captions")
    assert result.stderr.rstrip().endswith('flax is not installed; pip install "lrp_jax[captions]"'), result.stderr


def test_quantus_is_named():
    result = run("import lrp_jax.captions.experiments.quantus_adapter", names=("quantus",))
    assert result.stderr.rstrip().endswith('quantus is not installed; pip install "lrp_jax[quantus]"'), result.stderr
