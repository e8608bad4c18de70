"""Identities, and functions, whose derivative is what the rules say.

Each is exact in the forward pass and plain JAX in the backward pass, so that a relevance can be differentiated like any
other function. None of them uses `stop_gradient`: that would also cut second derivatives.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from lrp_jax.core.rules import divide
from lrp_jax.core.running.max_pooling import Windows


def neuron(rule: Any, z: Array) -> Array:
    """z, real or complex, with the density multiplied as a rule for sums says."""

    @jax.custom_vjp
    def identity(z):
        return z

    identity.defvjp(lambda z: (z, rule.prepare(z)), lambda prepared, density: (rule.back(prepared, density),))
    if jnp.iscomplexobj(z):  # two neurons, its real and its imaginary part
        return lax.complex(identity(z.real), identity(z.imag))
    return identity(z)


def activation(rule: Any, f: Callable[..., Array], z: Array, constants: tuple[Array, ...]) -> Array:
    """f(z, *constants), with the density taken through it by a rule for activations."""

    @jax.custom_vjp
    def apply(z, constants):
        return f(z, *constants)

    def forward(z, constants):
        y = f(z, *constants)
        return y, rule.prepare(z, y)

    apply.defvjp(forward, lambda prepared, density: (rule.back(prepared, density), None))
    return apply(z, constants)


def layer(rule: Any, make: Callable[..., Any], x: Array, weights: Any, of_weights: bool = False) -> Array:
    """The layer `make(x, weights)`, with the density taken through it by a rule for layers.

    Args:
      rule, make, x: the rule, the layer and its input.
      weights: the kernel, and the constants after it.
      of_weights: whether the kernel gets a density too.
    """

    @jax.custom_vjp
    def apply(x, weights):
        return make(x, weights).output

    def forward(x, weights):
        built = make(x, weights)
        return built.output, (built, rule.prepare(built), weights)

    def back(saved, density):
        built, prepared, weights = saved

        def shares(layer):
            return layer.input * rule.back(layer, prepared, density)

        return rule.back(built, prepared, density), _of_weights(shares, built, weights) if of_weights else None

    apply.defvjp(forward, back)
    return apply(x, weights)


def layer_of_relevance(
    rule: Any, make: Callable[..., Any], x: Array, second: Array | None, weights: Any, of_weights: bool = False
) -> Array:
    """The layer `make(x, weights)` under a rule whose `back` returns relevance of x.

    `second` is the read of x that takes relevance, where x is an explained input, or was moved from one. Elsewhere
    relevance has to become a density, and what falls on an x of 0 is lost.
    """

    @jax.custom_vjp
    def apply(x, second, weights):
        return make(x, weights).output

    def forward(x, second, weights):
        built = make(x, weights)
        return built.output, (built, rule.prepare(built), x, weights)

    def back(saved, density):
        built, prepared, x, weights = saved

        def shares(layer):
            return rule.back(layer, prepared, density)

        relevance = shares(built)
        inputs = (divide(relevance, x), None) if second is None else (None, relevance)
        return *inputs, _of_weights(shares, built, weights) if of_weights else None

    apply.defvjp(forward, back)
    return apply(x, second, weights)


def _of_weights(shares: Callable[[Any], Array], built: Any, weights: Any) -> Any:
    """The density of a layer's kernel; nothing for the constants after it.

    What passes a weight is the derivative of what arrives at the inputs along a factor on that weight.
    """
    kernel, constants = weights

    def arriving(through):
        return shares(dataclasses.replace(built, through=through)).sum()

    passing = jax.grad(arriving)(jnp.ones_like(kernel))
    return divide(passing, kernel), jax.tree.map(jnp.zeros_like, constants)


def pool(window_sum: Callable[[Array], Array], window_max: Callable[[Array], Array], x: Array) -> Array:
    """window_max(x), whose density is shared as if the window had been summed: R_i = R_j x_i / sum_k x_k."""

    @jax.custom_vjp
    def apply(x):
        return window_max(x)

    def forward(x):
        y, total = window_max(x), window_sum(x)
        return y, (divide(y, total), x)

    def back(saved, density):
        ratio, x = saved
        return jax.linear_transpose(window_sum, x)(density * ratio)

    apply.defvjp(forward, back)
    return apply(x)


def segments(
    largest: Callable[[Array, Array], Array], collect: Callable[[Array], Array], operand: Array, updates: Array
) -> Array:
    """largest(operand, updates): each place's largest update, whose equals share its density.

    Args:
      largest: operand [...] and updates to the result, of the operand's shape.
      collect: the same with a sum in place of the maximum, of the updates alone.
      operand, updates: what was there before, and what comes.
    """

    @jax.custom_vjp
    def apply(operand, updates):
        return largest(operand, updates)

    def forward(operand, updates):
        y = largest(operand, updates)
        (taken,) = jax.linear_transpose(collect, updates)(y)
        won, kept = (updates == taken).astype(y.dtype), (operand == y).astype(y.dtype)
        return y, (won, kept, kept + collect(won))

    def back(saved, density):
        won, kept, count = saved
        density = divide(density, count)
        (handed,) = jax.linear_transpose(collect, won)(density)
        return kept * density, won * handed

    apply.defvjp(forward, back)
    return apply(operand, updates)


def max_pool(windows: Windows, window_max: Callable[[Array], Array], x: Array) -> Array:
    """window_max(x), whose density goes to the first largest element of each window: its derivative."""

    @jax.custom_vjp
    def apply(x):
        return window_max(x)

    def forward(x):
        y = window_max(x)
        return y, windows.winners(x, y)

    apply.defvjp(forward, lambda winner, density: (windows.to_winners(winner, density, x.shape),))
    return apply(x)


def share(factor: Array, part: float) -> Array:
    """A factor of a product: itself, with `part` of its density; a gate has none."""
    if part == 1:
        return factor

    @jax.custom_vjp
    def identity(factor):
        return factor

    identity.defvjp(lambda factor: (factor, None), lambda _, density: (part * density if part else None,))
    return identity(factor)


def quotient(shares: tuple[float, ...], x: Array, divisor: Array) -> Array:
    """x / divisor, a product of x with the gate 1 / divisor: each of the two has its share of the relevance."""

    @jax.custom_vjp
    def apply(x, divisor):
        return x / divisor

    def forward(x, divisor):
        y = x / divisor
        return y, (y, divisor)

    def back(saved, density):
        y, divisor = saved
        first, second = shares
        of_x = first * density / divisor
        return of_x, second * density * y / divisor if second else None

    apply.defvjp(forward, back)
    return apply(x, divisor)


def opaque(f: Callable[..., list[Array]], operands: list[Array]) -> list[Array]:
    """f(*operands), with no density, and without asking what its derivative is."""

    @jax.custom_vjp
    def apply(operands):
        return f(*operands)

    apply.defvjp(lambda operands: (f(*operands), None), lambda _, densities: (None,))
    return apply(operands)


@jax.custom_vjp
def read_times_input(x: Array) -> tuple[Array, Array]:
    """An explained input, twice: density that arrives at the first is multiplied by x, relevance at the second not."""
    return x, x


def _times_input(x, arrived):
    density, relevance = arrived
    product = x * density
    if jnp.iscomplexobj(x):  # the relevance of a complex number is that of its two parts, and real
        product = product.real.astype(x.dtype)
    return (product + relevance,)


read_times_input.defvjp(lambda x: ((x, x), x), _times_input)


@jax.custom_vjp
def read(x: Array) -> tuple[Array, Array]:
    """An explained input, twice, for derivatives: what arrives at either is taken as it is."""
    return x, x


read.defvjp(lambda x: ((x, x), None), lambda _, arrived: (arrived[0] + arrived[1],))


@jax.custom_vjp
def masked(x: Array, mask: Array) -> Array:
    """x, with the density multiplied by `mask`: an explanation through some of its elements only."""
    return x


masked.defvjp(lambda x, mask: (x, mask), lambda mask, density: (mask * density, None))


@jax.custom_vjp
def probed(x: Array, probe: Array, factor: Array) -> Array:
    """x, whose density, times `factor`, is also the derivative along `probe`: what arrives here."""
    return x


def _probed_back(factor, density):
    # A score that is masked is -inf, and its density 0: nothing arrives there.
    masked = (density == 0) & ~jnp.isfinite(factor)
    return density, jnp.where(masked, 0, factor) * density, None


probed.defvjp(lambda x, probe, factor: (x, factor), _probed_back)
