"""The library alone, from an installed wheel: three lines on plain JAX functions, and nothing imported for them.

    python -I tests/wheel/library.py

`tests/wheel/trial.py` runs it where jax, numpy and jaxtyping are installed and the extra `captions` is not.
"""

import importlib.resources
import importlib.util
import pathlib
import re
import sys

import jax
import jax.numpy as jnp
import numpy as np

before = set(sys.modules)

import lrp_jax

OF_CAPTIONS = ("absl", "flax", "jinja2", "matplotlib", "optax", "orbax", "pandas", "PIL", "tqdm")


def network(image: jax.Array) -> jax.Array:
    """A small convolutional classifier: an image [16, 16, 3] to ten logits."""
    keys = jax.random.split(jax.random.key(0), 2)
    kernel, weights = jax.random.normal(keys[0], (3, 3, 3, 8)), jax.random.normal(keys[1], (8, 10))
    dimensions = ("NHWC", "HWIO", "NHWC")
    x = jax.nn.relu(jax.lax.conv_general_dilated(image[None], kernel, (1, 1), "SAME", dimension_numbers=dimensions)[0])
    return x.mean((0, 1)) @ weights


def check_relevance() -> None:
    image = jax.random.normal(jax.random.key(1), (16, 16, 3))

    def f(image):
        return network(image)[3]

    relevance = jax.grad(lrp_jax.lrp(f))(image)
    audit = lrp_jax.audit(f)(image)

    assert relevance.shape == image.shape and np.isfinite(np.asarray(relevance)).all()
    np.testing.assert_allclose(lrp_jax.lrp(f)(image), f(image), rtol=1e-5)
    assert not audit.refusals, audit
    np.testing.assert_allclose(audit.relevance, relevance.sum(), rtol=1e-3)
    assert abs(audit.unexplained) < 1e-3 * max(1, abs(audit.seed)), audit
    # One dense layer under the epsilon rule, by hand: R_i = x_i w_i z / (z + eps sign(z)).
    x, w = jnp.array([1.0, 2.0, -1.0]), jnp.array([3.0, 0.5, 1.0])
    by_hand = np.array([3.0, 1.0, -1.0]) * 3.0 / 3.01
    np.testing.assert_allclose(jax.grad(lrp_jax.lrp(lambda x: x @ w))(x), by_hand, rtol=1e-6)


def check_readme() -> None:
    """The README's first example needs no more than the library."""
    text = (pathlib.Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    names: dict = {}
    exec(re.search(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[1], names)
    assert names["relevance"].shape == names["image"].shape


def check_imports() -> None:
    """`import lrp_jax` brings core and jaxtyping; none of the packages of captions is here at all."""
    assert "site-packages" in lrp_jax.__file__, lrp_jax.__file__
    brought = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
    brought -= {name.partition(".")[0] for name in before}  # parts of jax and numpy that load late
    strangers = brought - {"lrp_jax", "jaxtyping", "wadler_lindig"}  # jaxtyping needs the last one
    assert not strangers, f"import lrp_jax also brings {sorted(strangers)}"
    ours = {name for name in sys.modules if name.startswith("lrp_jax.")}
    assert all(name.split(".")[1] == "core" for name in ours), sorted(ours)
    there = [name for name in OF_CAPTIONS if importlib.util.find_spec(name)]
    assert not there, f"{there} are installed, wanted none without the extra captions"


def check_files() -> None:
    package = pathlib.Path(str(importlib.resources.files("lrp_jax")))
    assert (package / "py.typed").is_file()
    assert (package / "configs" / "ada_scenes.py").is_file()


if __name__ == "__main__":
    check_imports()
    check_relevance()
    check_readme()
    check_files()
    print(f"lrp_jax {lrp_jax.__version__} on jax {jax.__version__}: the library alone works")
