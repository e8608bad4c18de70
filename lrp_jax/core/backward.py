"""Identities, and functions, whose derivative is what the rules say.

Each is exact in the forward direction and plain JAX on the way back, so that a relevance can be differentiated like
any other function. None of them uses `stop_gradient`: that would also cut second derivatives.
"""

from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import Array


def neuron(rule: Any, z: Array) -> Array:
    """z, with the density multiplied as a rule for sums says."""

    @jax.custom_vjp
    def identity(z):
        return z

    identity.defvjp(lambda z: (z, rule.prepare(z)), lambda prepared, density: (rule.back(prepared, density),))
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


def layer(rule: Any, make: Callable[..., Any], x: Array, weights: Any) -> Array:
    """The layer `make(x, weights)`, with the density taken through it by a rule for layers."""

    @jax.custom_vjp
    def apply(x, weights):
        return make(x, weights).output

    def forward(x, weights):
        built = make(x, weights)
        return built.output, (built, rule.prepare(built))

    apply.defvjp(forward, lambda saved, density: (rule.back(*saved, density), None))
    return apply(x, weights)


@jax.custom_vjp
def block(gate: Array) -> Array:
    """A gate: itself, with no density."""
    return gate


block.defvjp(lambda gate: (gate, None), lambda _, density: (None,))


def opaque(f: Callable[..., list[Array]], operands: list[Array]) -> list[Array]:
    """f(*operands), with no density, and without asking what its derivative is."""

    @jax.custom_vjp
    def apply(operands):
        return f(*operands)

    apply.defvjp(lambda operands: (f(*operands), None), lambda _, densities: (None,))
    return apply(operands)


@jax.custom_vjp
def halve(factor: Array) -> Array:
    """Itself, with half the density: one of two equal partners in a product."""
    return factor


halve.defvjp(lambda factor: (factor, None), lambda _, density: (density / 2,))


@jax.custom_vjp
def times_input(x: Array) -> Array:
    """An explained input: the density that arrives is multiplied by x, which makes it relevance."""
    return x


times_input.defvjp(lambda x: (x, x), lambda x, density: (x * density,))


@jax.custom_vjp
def masked(x: Array, mask: Array) -> Array:
    """x, with the density multiplied by `mask`: an explanation through some of its elements only."""
    return x


masked.defvjp(lambda x, mask: (x, mask), lambda mask, density: (mask * density, None))
