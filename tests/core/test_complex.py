"""Complex values: linear maps of them are sums, and what else carries relevance through them is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import lrp_jax

RULES = {
    r.name: r
    for r in (
        lrp_jax.PAPER,
        lrp_jax.ATTN_LRP,
        lrp_jax.CP_LRP,
        lrp_jax.EpsilonPlus,
        lrp_jax.GUIDED_BACKPROP,
        lrp_jax.DECONVNET,
        lrp_jax.GRADIENT,
        lrp_jax.GRADIENT_X_INPUT,
    )
}
KEYS = jax.random.split(jax.random.key(3), 8)
A = jax.random.normal(KEYS[0], (4, 6))
B = jax.random.normal(KEYS[1], (6, 3))
C = jax.random.normal(KEYS[2], (6, 6)) + 1j * jax.random.normal(KEYS[3], (6, 6))
X = jax.random.normal(KEYS[4], (4,))


def real_matrix(linear, n):
    """[n, m]: a linear map of real vectors as the matrix that it is."""
    return jnp.stack([linear(row) for row in jnp.eye(n)])


MAPS = {
    "fft": lambda h: jnp.fft.fft(h).real,
    "imaginary": lambda h: jnp.fft.fft(h).imag,
    "rfft, filtered": lambda h: jnp.fft.irfft(jnp.fft.rfft(h) * (0.3 + 0.2j), n=6),
    "2d": lambda h: jnp.fft.fft2(h.reshape(2, 3)).real.reshape(6),
    "conjugate": lambda h: (jnp.fft.fft(h).conj() @ C).imag,
    "complex dot": lambda h: (h @ C).real,
    "rotation": lambda h: (1j * h.astype(complex) + h).imag,
    "parts": lambda h: (lax.complex(h, h[::-1]) * (1 + 2j)).real,
    "negated": lambda h: (-jnp.fft.fft(h) / 2j).real,
    "shifted": lambda h: jnp.fft.fftshift(jnp.fft.fft(h)).real,
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize("name", MAPS)
def test_a_linear_map_is_its_matrix(name, rules):
    linear = MAPS[name]
    matrix = real_matrix(linear, 6)
    f = lambda x: (jnp.tanh(linear(jax.nn.relu(x @ A))) @ B)[0]  # noqa: E731
    g = lambda x: (jnp.tanh(jax.nn.relu(x @ A) @ matrix) @ B)[0]  # noqa: E731
    # rfft and its inverse are two sums, and each has an epsilon; a part by itself is no sum at all.
    exact = name not in ("rfft, filtered", "conjugate", "rotation", "parts")
    if not exact:
        rules = lrp_jax.Composite(rules.name, (lrp_jax.On("*", lrp_jax.Epsilon(0.0)), *rules.lines), rules.times_input)
        if rules.name in ("GUIDED_BACKPROP", "DECONVNET", "GRADIENT", "GRADIENT_X_INPUT"):
            rules = RULES[rules.name]
    value, r = jax.jit(lrp_jax.relevance(f, rules))(X)
    np.testing.assert_allclose(value, f(X), rtol=1e-12)
    np.testing.assert_allclose(r, lrp_jax.relevance(g, rules)(X)[1], rtol=1e-9, atol=1e-12)
    assert abs(lrp_jax.audit(f, rules)(X).unexplained) < 1e-9


def test_the_epsilon_of_a_complex_neuron_is_that_of_its_parts():
    """A spectrum that is read twice is a neuron: one for each real and each imaginary part."""
    rules = lrp_jax.Composite("BIG", (lrp_jax.On("*", lrp_jax.Epsilon(0.5)), *lrp_jax.PAPER.lines))

    def f(x):
        z = jnp.fft.fft(x)
        return jnp.tanh(z.real) @ B[:4, 0] + jnp.tanh(z.imag) @ B[:4, 1]

    F = jnp.fft.fft(jnp.eye(4))
    g = lambda x: jnp.tanh(x @ F.real) @ B[:4, 0] + jnp.tanh(x @ F.imag) @ B[:4, 1]  # noqa: E731
    np.testing.assert_allclose(lrp_jax.relevance(f, rules)(X)[1], lrp_jax.relevance(g, rules)(X)[1], rtol=1e-10)


def test_a_diagonal_recurrence_is_the_matrix_that_it_is():
    """A linear state space of complex numbers, as S4D and LRU have it, with LRP-0: the relevance of a linear map."""
    poles, inputs, outputs = C[0] / 4, C[1], C[2]
    rules = lrp_jax.Composite("LRP-0", (lrp_jax.On("*", lrp_jax.Epsilon(0.0)), *lrp_jax.PAPER.lines))

    def f(u):
        def step(state, u):
            state = poles * state + inputs * u
            return state, (outputs * state).sum().real

        return jnp.tanh(lax.scan(step, jnp.zeros(6, complex), u)[1]).sum()

    u = jax.random.normal(KEYS[5], (7,))
    k = jnp.stack([(outputs * poles**t * inputs).sum().real for t in range(7)])
    matrix = jnp.stack([jnp.where(jnp.arange(7) >= s, k[jnp.arange(7) - s], 0) for s in range(7)])
    r = lrp_jax.relevance(f, rules)(u)[1]
    np.testing.assert_allclose(r, lrp_jax.relevance(lambda u: jnp.tanh(u @ matrix).sum(), rules)(u)[1], rtol=1e-9)
    assert abs(lrp_jax.audit(f)(u).unexplained) < 1e-9


def test_a_gate_on_a_spectrum_takes_nothing():
    rules = lrp_jax.Composite("LRP-0", (lrp_jax.On("*", lrp_jax.Epsilon(0.0)), *lrp_jax.PAPER.lines))
    f = lambda x: (jnp.fft.fft(x) * jax.nn.sigmoid(x @ A[:, :4])).real @ B[:4, 0]  # noqa: E731
    F = jnp.fft.fft(jnp.eye(4)).real
    g = lambda x: ((x @ F) * jax.nn.sigmoid(x @ A[:, :4])) @ B[:4, 0]  # noqa: E731
    np.testing.assert_allclose(lrp_jax.relevance(f, rules)(X)[1], lrp_jax.relevance(g, rules)(X)[1], rtol=1e-9)


@pytest.mark.parametrize(
    "bad",
    [
        lambda z: jnp.abs(z),
        lambda z: jnp.tanh(z).real,
        lambda z: (z * z).real,
        lambda z: (z * z.conj()).real,
        lambda z: jnp.exp(z).imag,
        lambda z: (z / z[0]).real,
        lambda z: jnp.abs(z) ** 2,
    ],
)
@pytest.mark.parametrize("rules", [lrp_jax.PAPER, lrp_jax.ATTN_LRP, lrp_jax.CP_LRP], ids=lambda r: r.name)
def test_anything_else_is_refused(bad, rules):
    with pytest.raises(lrp_jax.RelevanceError, match=r"test_complex\.py"):
        lrp_jax.lrp(lambda x: bad(jnp.fft.fft(x @ A)).sum(), rules)(X)


def test_derivatives_are_those_of_jax():
    f = lambda x: jnp.abs(jnp.tanh(jnp.fft.fft(x @ A)) * (x @ A)).sum()  # noqa: E731
    np.testing.assert_allclose(jax.grad(lrp_jax.lrp(f, lrp_jax.GRADIENT))(X), jax.grad(f)(X), rtol=1e-10)


def test_a_complex_input_and_a_complex_output():
    """The relevance of a complex number is that of its two parts, and the seed of each part is its own."""
    z = X + 1j * X[::-1]
    parts = jnp.concatenate([z.real, z.imag])
    D = C[:4, :3]
    f = lambda z: z @ D  # noqa: E731
    value, r = lrp_jax.relevance(f)(z)
    matrix = jnp.block([[D.real, D.imag], [-D.imag, D.real]])
    flat = lrp_jax.relevance(lambda p: p @ matrix)(parts)[1]
    np.testing.assert_allclose(r.real, flat[:4] + flat[4:], rtol=1e-10)
    np.testing.assert_allclose(r.imag, 0)
    assert abs(lrp_jax.audit(f)(z).unexplained) < 1e-9
    np.testing.assert_allclose(lrp_jax.audit(f)(z).seed, value.real.sum() + value.imag.sum())
