"""`show` says what `lrp` does, and `teach` is heard."""

import dataclasses
import gc

import jax
import jax.experimental.pallas
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax._src.core import Primitive

import lrp_jax
from lrp_jax import AlphaBeta, Composite, Flat, On, Pass
from lrp_jax.core.program import numbers, operations

W = jax.random.normal(jax.random.key(0), (4, 4))
X = jax.random.normal(jax.random.key(1), (4,))


def model(x):
    with jax.named_scope("body"):
        x = jax.nn.relu(x @ W + 0.1)
    with jax.named_scope("head"):
        gate = jax.nn.sigmoid(x @ W)
        return (jnp.tanh(x @ W) * gate).max()


def kinds(shown):
    return [(step.site.kind, step.rule) for step in shown.steps]


def test_each_layer_with_its_rule_and_why():
    rules = Composite(
        "MINE", (On("dense", Flat(), position="first"), On("dense", AlphaBeta(), scope="head"), *lrp_jax.PAPER.lines)
    )
    shown = lrp_jax.show(model, rules)(X)
    assert kinds(shown) == [
        ("dense", Flat()),
        ("relu", Pass()),
        ("dense", AlphaBeta()),
        ("activation", Pass()),
        ("product", lrp_jax.SignalTakesAll()),
        ("pool", lrp_jax.WinnerTakesAll()),
    ]
    first, _, head, *_ = shown.steps
    assert first.why == 'dense (first), by the line for "dense", position="first"'
    assert head.why == 'dense, by the line for "dense", scope="head"'
    assert head.place.scope == "head"
    assert "test_show.py" in str(shown)
    assert str(shown).count("\n") == 1 + len(shown.steps)


def test_refusals_stand_in_their_places():
    def f(x):
        y = jnp.tanh(x @ W)
        return jax.nn.relu(y * (x @ W)).sum() + jnp.cumprod(y).sum()

    steps = lrp_jax.show(f)(X).steps
    refused = [step.refusal.what for step in steps if step.refusal is not None]
    assert sorted(refused) == sorted(r.what for r in lrp_jax.audit(f)(X).refusals)
    operations = [step.operation for step in steps]
    assert operations.index("tanh") < operations.index("mul") < operations.index("custom_jvp_call")
    assert "REFUSED" in str(lrp_jax.show(f)(X))


def test_bodies_are_entered_and_nothing_is_computed():
    f = lambda x: lax.scan(lambda c, _: (jnp.tanh(c @ W), None), x, None, length=3)[0]  # noqa: E731
    shown = lrp_jax.show(f)(jax.ShapeDtypeStruct((4,), jnp.float64))
    assert {(step.depth, step.operation) for step in shown.steps} >= {(1, "tanh"), (1, "dot_general")}
    assert lrp_jax.show(model, argnums=0)(X).steps == lrp_jax.show(jax.jit(model))(X).steps


@pytest.mark.parametrize(
    "rules", [lrp_jax.PAPER, lrp_jax.ATTN_LRP, lrp_jax.EpsilonAlpha2Beta1Flat], ids=lambda r: r.name
)
def test_what_is_shown_is_what_is_applied(rules):
    """Each rule that is shown is called, and no other."""
    called = []

    def spy(rule):
        class Spy(type(rule)):
            def back(self, *args):
                called.append(rule)
                return super().back(*args)

        return Spy(**{f.name: getattr(rule, f.name) for f in dataclasses.fields(rule)})

    spied = {line: spy(line.rule) if hasattr(line.rule, "back") else line.rule for line in rules.lines}
    mine = Composite("SPY", tuple(On(line.kind, spied[line], line.scope, line.position) for line in rules.lines))
    lrp_jax.relevance(model, mine)(X)
    shown = [step.rule for step in lrp_jax.show(model, rules)(X).steps if hasattr(step.rule, "back")]
    assert sorted(map(repr, called)) == sorted(map(repr, shown))


def test_a_primitive_can_be_taught(monkeypatch):
    monkeypatch.setattr(operations, "TABLE", dict(operations.TABLE))
    f = lambda x: (lax.bessel_i1e(x @ W) * 2).sum()  # noqa: E731
    with pytest.raises(lrp_jax.RelevanceError, match=r"`bessel_i1e` has no rule.*lrp_jax.teach"):
        lrp_jax.lrp(f)(X)
    lrp_jax.teach("bessel_i1e", "activation")
    z, y = X @ W, lax.bessel_i1e(X @ W)
    eps = lambda z, e=0.01: z + jnp.where(z >= 0, e, -e)  # noqa: E731
    out = 2 * y.sum()
    np.testing.assert_allclose(lrp_jax.relevance(f)(X)[1], X * (W @ (2 * y * out / eps(out) / eps(z))), rtol=1e-9)
    with pytest.raises(ValueError, match="got role 'nonsense'; wanted one of identity, movement"):
        lrp_jax.teach("bessel_i1e", "nonsense")


def test_every_name_in_the_table_is_a_primitive_of_this_jax():
    # A page of the documentation teaches one of its own, in the same process or not.
    known = {"mirror"} | {o.name for o in gc.get_objects() if isinstance(o, Primitive)}
    assert not set(operations.TABLE) - known
    assert not set(numbers._FUNCTIONS) - known
    assert not numbers._SAME - known
    assert {o.role for o in operations.TABLE.values()} <= set(operations.ROLES)


def test_the_numbers_of_elementwise_primitives_are_those_of_jax():
    x, y = np.array([-2.5, -0.5, 0.3, 1.7]), np.array([0.5, -0.5, 2.0, 1.0])
    for name in numbers._FUNCTIONS:
        if name in ("select_n", "clamp", "add_any", "and", "or", "not", "round"):
            continue
        attribute = getattr(lax, name)
        for operands in ((x,), (x, y)):
            try:
                wanted = attribute(*operands)
            except TypeError:
                continue
            np.testing.assert_allclose(numbers.evaluate(name, {}, *operands), wanted, rtol=1e-9, atol=1e-12)
