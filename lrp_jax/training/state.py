"""The state of training, and one step of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lrp_jax import models
from lrp_jax.data.batches import Batch
from lrp_jax.models import Captioner
from lrp_jax.training.losses import cross_entropy


class TrainState(NamedTuple):
    """Everything that a step changes.

    Attributes:
      step: how many steps have been taken.
      params: the captioner's variables.
      optimiser: the state of the optimiser.
      key: the source of all random numbers; a step folds its number in.
    """

    step: Int[Array, ""]
    params: Any
    optimiser: optax.OptState
    key: PRNGKeyArray


def make_optimiser(*, b1: float, b2: float, clip: float) -> optax.GradientTransformation:
    """Adam on gradients whose single values are cut to [-clip, clip], without the learning rate.

    The rate is an argument of the step, because it follows the validation score and not the step.
    """
    return optax.chain(optax.clip(clip), optax.scale_by_adam(b1=b1, b2=b2))


def create_state(
    captioner: Captioner,
    optimiser: optax.GradientTransformation,
    features: Float[Array, "n n_v C"],
    seed: int,
) -> TrainState:
    """A state before the first step; `features` are read for their shape and dtype only."""
    init_key, key = jax.random.split(jax.random.key(seed))
    image = jnp.zeros((1, *features.shape[1:]), features.dtype)

    @jax.jit  # a kernel for every parameter would take many times as long
    def create(key):
        params = captioner.init(key, image, jnp.zeros((1, 1), jnp.int32))
        return params, optimiser.init(params)

    return TrainState(jnp.zeros((), jnp.int32), *create(init_key), key)


def make_step(
    captioner: Captioner, optimiser: optax.GradientTransformation
) -> Callable[[TrainState, Batch, Float[Array, ""]], tuple[TrainState, Float[Array, ""]]]:
    """The function (state, batch, learning rate) -> (state, loss), to be jitted with the state donated.

    The loss is `cross_entropy` of the teacher-forced captions, with dropout.
    """

    def step(state: TrainState, batch: Batch, learning_rate: Float[Array, ""]):
        key = jax.random.fold_in(state.key, state.step)

        def loss_of(params):
            logits = models.logits(captioner, params, batch.features, batch.inputs, dropout_rng=key)
            return cross_entropy(logits, batch.targets)

        loss, gradient = jax.value_and_grad(loss_of)(state.params)
        direction, optimiser_state = optimiser.update(gradient, state.optimiser, state.params)
        updates = jax.tree.map(lambda d: -jnp.asarray(learning_rate, d.dtype) * d, direction)
        params = optax.apply_updates(state.params, updates)
        return TrainState(state.step + 1, params, optimiser_state, state.key), loss

    return step
