"""Jitted bodies that are called several times are shared only between calls with the same plan."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

import lrp_jax
from lrp_jax import Composite, Epsilon, On

KEYS = jax.random.split(jax.random.key(6), 4)
W = jax.random.normal(KEYS[0], (4, 4))
X = jax.random.normal(KEYS[1], (4,))


@dataclasses.dataclass(frozen=True, eq=False)
class Factors:
    """A rule whose numbers do not show: an array of more than 1000 is printed in part."""

    factors: jax.Array
    kinds = ("dense",)

    def prepare(self, z):
        return self.factors[: len(z)]

    def back(self, factors, density):
        return density * factors


@dataclasses.dataclass(frozen=True)
class Hidden:
    factor: float = dataclasses.field(repr=False)
    kinds = ("dense",)

    def prepare(self, z):
        return jnp.full_like(z, self.factor)

    def back(self, factors, density):
        return density * factors


def through(body, scopes):
    def f(x):
        for scope in scopes:
            with jax.named_scope(scope):
                x = body(x)
        return x.sum()

    return f


def assert_as_apart(first, second):
    rules = Composite(
        "TWO", (On("dense", first, scope="*one*"), On("dense", second, scope="*two*"), *lrp_jax.PAPER.lines)
    )
    body = lambda x: jnp.tanh(x @ W) * 2  # noqa: E731
    shared, apart = (lrp_jax.relevance(through(b, ("one", "two")), rules)(X)[1] for b in (jax.jit(body), body))
    np.testing.assert_allclose(shared, apart, rtol=1e-12)
    other = lrp_jax.relevance(through(body, ("one", "one")), rules)(X)[1]
    assert np.abs(other - apart).max() > 1e-3


def test_rules_that_print_alike():
    numbers = jax.random.normal(KEYS[2], (2000,)).at[3:1990].set(0.5)
    assert_as_apart(Factors(numbers), Factors(numbers.at[1500].set(9).at[:3].multiply(1.00000001).at[3].set(2.5)))
    assert_as_apart(Hidden(2.0), Hidden(0.5))


def test_rules_that_compare_alike():
    @dataclasses.dataclass(frozen=True)
    class Sly(Hidden):
        def __eq__(self, other):
            return True

        def __hash__(self):
            return 0

    assert_as_apart(Sly(2.0), Sly(0.5))


def test_calls_that_depend_on_other_operands():
    v = jax.random.normal(KEYS[3], (4,))
    body = lambda a, b: jnp.maximum(a, b) @ W + jnp.where(a > b, a, b) * 0.1  # noqa: E731
    f = lambda body: lambda x: (body(x, v) + body(v, x) + body(x, x * 2)).sum()  # noqa: E731
    shared, apart = (lrp_jax.relevance(f(b))(X)[1] for b in (jax.jit(body), body))
    np.testing.assert_allclose(shared, apart, rtol=1e-12)


def test_the_same_plan_is_traced_once():
    traced = []

    @dataclasses.dataclass(frozen=True)
    class Counting(Epsilon):
        def prepare(self, z):
            traced.append(z)
            return super().prepare(z)

    rules = Composite("COUNT", (On("dense", Counting()), *lrp_jax.PAPER.lines))
    body = jax.jit(lambda x: jnp.tanh(x @ W))
    jax.make_jaxpr(jax.grad(lrp_jax.lrp(through(body, "abcdefgh"), rules)))(X)
    assert len(traced) == 1
