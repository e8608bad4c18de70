"""Rematerialisation survives the transformation: the compiler's own count of temporary memory says so."""

import jax
import jax.numpy as jnp
from jax import lax

import lrp_jax

LAYERS, SIZE = 24, 64
WEIGHTS = jax.random.normal(jax.random.key(0), (LAYERS, 2, SIZE, SIZE)) / 8
X = jax.random.normal(jax.random.key(1), (128, SIZE))


def block(x, w):
    return jnp.tanh(jax.nn.relu(x @ w[0]) @ w[1]) + x


def network(body):
    return lambda x: lax.scan(lambda h, w: (body(h, w), None), x, WEIGHTS)[0].sum()


def temporary_bytes(f):
    return jax.jit(jax.grad(f)).lower(X).compile().memory_analysis().temp_size_in_bytes


def test_a_checkpointed_model_keeps_its_saving():
    plain, saving = network(block), network(jax.checkpoint(block))
    gradient = temporary_bytes(plain) / temporary_bytes(saving)
    relevance = temporary_bytes(lrp_jax.lrp(plain)) / temporary_bytes(lrp_jax.lrp(saving))
    assert gradient > 1.5  # what there is to keep
    assert relevance > gradient / 2
    # And no saved intermediate is left: what remains is about one layer, as for the gradient.
    assert temporary_bytes(lrp_jax.lrp(saving)) < 2 * temporary_bytes(saving)


def test_a_policy_is_kept():
    dots = jax.checkpoint(block, policy=jax.checkpoint_policies.dots_saveable)
    everything = temporary_bytes(lrp_jax.lrp(network(block)))
    some = temporary_bytes(lrp_jax.lrp(network(dots)))
    nothing = temporary_bytes(lrp_jax.lrp(network(jax.checkpoint(block))))
    assert nothing < some < everything


def test_the_transformed_program_is_not_much_longer():
    """Compile time follows the size of the program: at most twice the gradient's operations."""
    plain = network(block)
    count = lambda f: jax.jit(jax.grad(f)).lower(X).as_text().count(" = ")  # noqa: E731
    assert count(lrp_jax.lrp(plain)) <= 2 * count(plain)
