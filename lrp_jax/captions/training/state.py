"""The state of training, and one step of it."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from lrp_jax.captions.models import Captioner
from lrp_jax.captions.training.objectives import Objective

NEVER = -1


class TrainState(NamedTuple):
    """The state that a step changes.

    Attributes:
      step: the number of steps taken.
      params: the captioner's variables.
      encoder: the encoder's parameters if it is trained too, else None.
      optimiser: the state of the optimiser, for (params, encoder).
      key: the source of all random numbers; a step folds its number in.
      failed: the first step whose loss or gradient was not finite, -1 if there is none. After it nothing changes.
    """

    step: Int[Array, ""]
    params: Any
    encoder: Any
    optimiser: optax.OptState
    key: PRNGKeyArray
    failed: Int[Array, ""]


Step = Callable[..., tuple[TrainState, dict[str, Float[Array, ""]]]]


@functools.cache  # so that code compiled for an optimiser is reused by the next one with the same arguments
def make_optimiser(*, b1: float, b2: float, clip: float) -> optax.GradientTransformation:
    """Adam on gradients with each element clipped to [-clip, clip], without the learning rate.

    The rate is an argument of the step, because it follows the validation score and not the step.

    Args:
      b1, b2: Adam's decay rates of the first and the second moment.
      clip: the largest absolute value of an element of the gradient, before Adam.

    Returns:
      The transformation; equal arguments give the same object.
    """
    return optax.chain(optax.clip(clip), optax.scale_by_adam(b1=b1, b2=b2))


def create_state(
    captioner: Captioner,
    optimiser: optax.GradientTransformation,
    features: Float[Array, "n n_v C"],
    seed: int,
    *,
    params: Any = None,
    encoder: Any = None,
) -> TrainState:
    """A state before the first step.

    Args:
      captioner, optimiser: the model and its optimiser.
      features: of images; only their shape and dtype are used.
      seed: for the initial parameters and all later random numbers.
      params: the captioner's initial variables; None for random ones.
      encoder: the encoder's parameters if it is trained too.
    """
    init_key, key = jax.random.split(jax.random.key(seed))
    image = jnp.zeros((1, *features.shape[1:]), features.dtype)

    variables = _create(captioner, optimiser, init_key, image, params, encoder)
    return TrainState(jnp.zeros((), jnp.int32), *variables, key, jnp.full((), NEVER, jnp.int32))


@functools.partial(jax.jit, static_argnums=(0, 1))  # many times faster than one kernel for each parameter
def _create(captioner, optimiser, key, image, params, encoder):
    if params is None:
        params = captioner.init(key, image, jnp.zeros((1, 1), jnp.int32))
    return params, encoder, optimiser.init((params, encoder))


def make_step(
    objective: Objective,
    optimiser: optax.GradientTransformation,
    *,
    encoder_rate: float = 1.0,
    accumulate: int = 1,
) -> Step:
    """The function (state, batch, learning rate, constants) -> (state, metrics), to be jitted with the state donated.

    Args:
      objective: the objective to minimise.
      optimiser: turns its gradient into a direction.
      encoder_rate: the learning rate of the encoder as a multiple of the captioner's.
      accumulate: the number of parts that a batch is processed in, to save memory.

    The metrics are "loss" and those of the objective. A step whose loss or gradient is not finite changes only
    `failed`, and later steps change nothing, so that the last good state can be saved.
    """

    def step(state: TrainState, batch: Any, learning_rate: Float[Array, ""], constants: Any = None):
        key = jax.random.fold_in(state.key, state.step)
        weights = (state.params, state.encoder)
        metrics, gradient = _value_and_gradient(objective, weights, batch, key, constants, accumulate)
        direction, optimiser_state = optimiser.update(gradient, state.optimiser, weights)
        rates = (learning_rate, learning_rate * encoder_rate)
        params, encoder = (_move(w, d, rate) for w, d, rate in zip(weights, direction, rates, strict=True))
        new = TrainState(state.step + 1, params, encoder, optimiser_state, state.key, state.failed)
        good = _finite((metrics["loss"], gradient))
        # The number of an earlier failed step is kept.
        stays = state._replace(failed=jnp.where(state.failed == NEVER, state.step, state.failed))
        goes_on = good & (state.failed == NEVER)
        keys = new.key  # `where` does not take a key; it never changes
        new, stays = new._replace(key=None), stays._replace(key=None)
        chosen = jax.tree.map(lambda a, b: jnp.where(goes_on, a, b), new, stays)
        return chosen._replace(key=keys), metrics

    return step


def _value_and_gradient(objective, weights, batch, key, constants, parts):
    """The metrics, including "loss", and the gradient of the loss."""

    def total(weights, batch, key):
        total, count, metrics = objective(weights, batch, key, constants)
        return total, (count, metrics)

    both = jax.value_and_grad(total, has_aux=True)
    if parts == 1:
        (value, (count, metrics)), gradient = both(weights, batch, key)
    else:
        # Part i has rows i, i + parts, ... of each device's share, so no row moves between devices.
        cut = jax.tree.map(lambda x: jnp.swapaxes(x.reshape(len(x) // parts, parts, *x.shape[1:]), 0, 1), batch)

        def add(sums, part):
            index, batch = part
            (value, (count, metrics)), gradient = both(weights, batch, jax.random.fold_in(key, index))
            return jax.tree.map(jnp.add, sums, (value, count, metrics, gradient)), None

        shapes = jax.eval_shape(both, weights, jax.tree.map(lambda x: x[0], cut), key)
        (value, (count, metrics)), gradient = shapes
        zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), (value, count, metrics, gradient))
        (value, count, metrics, gradient), _ = jax.lax.scan(add, zeros, (jnp.arange(parts), cut))
        metrics = jax.tree.map(lambda m: m / parts, metrics)
    count = jnp.maximum(count, 1)
    return {"loss": value / count, **metrics}, jax.tree.map(lambda g: g / count.astype(g.dtype), gradient)


def _move(weights: Any, direction: Any, rate: Float[Array, ""]) -> Any:
    return jax.tree.map(lambda w, d: w - jnp.asarray(rate, d.dtype) * d, weights, direction)


def _finite(tree: Any) -> Bool[Array, ""]:
    return jnp.stack([jnp.isfinite(x).all() for x in jax.tree.leaves(tree)]).all()
