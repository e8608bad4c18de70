"""Values with relevance: of the arguments, of named values inside, and of parameters."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from lrp_jax.core.analysis import named
from lrp_jax.core.composite import Composite
from lrp_jax.core.presets import PAPER
from lrp_jax.core.transform import densities, positions, prepare


def relevance(
    f: Callable[..., Any],
    rules: Composite = PAPER,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    masks: Mapping[str, Array] | None = None,
) -> Callable[..., Any]:
    """Makes a function that returns the value of `f` and the relevance of its arguments, like `jax.value_and_grad`.

    Args:
      f, rules, argnums, has_aux, masks: as for `lrp`.

    Returns:
      `g(*args, seed=None) -> (value, relevance)`, or `((value, auxiliary), relevance)`. The relevance has the
      structure of the argument, or is a tuple of such for a tuple `argnums`. `seed` is the relevance given to the
      output, of the output's structure and shapes; by default the output itself. Where the output is 0 the seed is
      dropped: a dead unit has no density.

    Example:
      >>> import jax.numpy as jnp, lrp_jax
      >>> value, r = lrp_jax.relevance(lambda x: jnp.maximum(x, 0.0).sum())(jnp.array([1.0, -1.0]))
    """
    with_places = relevance_at(f, (), rules, argnums, has_aux, masks)

    @functools.wraps(f)
    def with_relevance(*args, seed=None, **kwargs):
        value, answer, _ = with_places(*args, seed=seed, **kwargs)
        return value, answer

    return with_relevance


def relevance_at(
    f: Callable[..., Any],
    names: str | Sequence[str],
    rules: Composite = PAPER,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    masks: Mapping[str, Array] | None = None,
) -> Callable[..., Any]:
    """Makes a function that returns value, relevance of the arguments, and relevance at named places inside.

    All of it comes from one backward pass. A name is what `jax.ad_checkpoint.checkpoint_name` gave a value, or a name
    scope (`jax.named_scope`, Linen's module paths such as "VGG16/conv3_1"), which stands for the values that leave it;
    globs such as "*/attention" are allowed. With `masks` the explanation is conditional: what a mask holds back goes
    no further, and the relevance at the other places is that of the rest.

    Args:
      f, rules, argnums, has_aux: as for `lrp`.
      names: the names.
      masks: name -> array that multiplies the relevance arriving there, before it is read; broadcasts against the
        value. For one channel of a convolution, a mask [channels] that is 1 there and 0 elsewhere.

    Returns:
      `g(*args, seed=None) -> (value, relevance, places)`; value, relevance and seed as for `relevance`. `places` maps
      each name to the relevance [...] that arrives there, of the value's shape, or to a tuple of such, in the order of
      the program, where a name occurs more than once. Inside a `scan` it has a first axis of steps. For composites
      of derivatives it is the derivative.

    Raises:
      RelevanceError, NoPlaceError: when called, as for `lrp`; a layer with its bias and batch norm under a rule for
        whole layers, or an activation, has no places inside.

    Example:
      >>> import jax, jax.numpy as jnp, lrp_jax
      >>> from jax.ad_checkpoint import checkpoint_name
      >>> w, v = jnp.array([[1.0, 2.0], [3.0, -1.0]]), jnp.array([1.0, 1.0])
      >>> f = lambda x: checkpoint_name(jax.nn.relu(x @ w), "hidden") @ v
      >>> value, r, places = lrp_jax.relevance_at(f, "hidden")(jnp.array([1.0, 1.0]))
      >>> places["hidden"].round(1)
      Array([4., 1.], dtype=float32)

    Reference:
      Achtibat et al., From Attribution Maps to Human-Understandable Explanations through Concept Relevance
      Propagation, 2023.
    """
    wanted = (names,) if isinstance(names, str) else tuple(names)
    masks = dict(masks or {})

    @functools.wraps(f)
    def with_places(*args, seed=None, **kwargs):
        chosen = positions(argnums, len(args))
        prepared = prepare(f, rules, argnums, has_aux, args, kwargs, names=(*wanted, *masks))

        def run(probes, *parts):
            every = list(args)
            for i, part in zip(chosen, parts, strict=True):
                every[i] = part
            leaves = [jnp.asarray(leaf) for leaf in jax.tree.leaves((tuple(every), kwargs))]
            return prepared.run(leaves, masks, probes)

        graph = prepared.plan.graph
        probes = {} if prepared.plan.refusals else named.probes(graph, wanted)
        value, pull, *aux = jax.vjp(run, probes, *(args[i] for i in chosen), has_aux=has_aux)
        arrived, *parts = pull(densities(value, seed))
        places = {name: a[0] if len(a) == 1 else tuple(a) for name, a in named.by_name(graph, arrived, wanted).items()}
        answer = parts[0] if isinstance(argnums, int) else tuple(parts)
        return ((value, aux[0]) if has_aux else value), answer, places

    return with_places


def parameter_relevance(
    f: Callable[..., Any],
    rules: Composite = PAPER,
    params: int = 0,
    argnums: int | Sequence[int] = 1,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """Makes a function that returns the value of `f` and the relevance that passes each of its parameters.

    The relevance of a weight is weight times density: the messages R_{i <- j} that cross it, summed over all places
    where it is used. The messages through a layer's weights sum to the relevance that the layer hands to its inputs;
    a bias under the epsilon rule has the part that it absorbs. Under rules for whole layers (alpha-beta, gamma, ...)
    the kernel has its messages, and bias and batch norm nothing.

    Args:
      f: a function of (params, inputs, ...), as Flax's `apply`.
      rules, has_aux: as for `lrp`.
      params: the position of the parameters.
      argnums: the input, or inputs: relevance passes the parameters on its way there.

    Returns:
      `g(*args, seed=None) -> (value, relevance)`, the relevance of the structure and shapes of the parameters. For
      composites of derivatives it is weight times gradient.

    Raises:
      ValueError: when called, if `params` is also explained, or not a position. RelevanceError as for `lrp`.

    Example:
      >>> import jax.numpy as jnp, lrp_jax
      >>> f = lambda w, x: x @ w
      >>> _, r = lrp_jax.parameter_relevance(f)(jnp.array([1.0, -2.0, 3.0]), jnp.array([1.0, 1.0, 0.0]))
      >>> r.round(2)
      Array([ 0.99, -1.98,  0.  ], dtype=float32)

    Reference:
      Yeom et al., Pruning by Explaining, 2021; Becking et al., ECQx, 2022.
    """

    @functools.wraps(f)
    def with_relevance(*args, seed=None, **kwargs):
        (position,) = positions(params, len(args))
        if position in positions(argnums, len(args)):
            raise ValueError(f"got params={params}, which is also in argnums={argnums}; wanted another argument")
        prepared = prepare(f, rules, argnums, has_aux, args, kwargs)

        def run(weights):
            every = (*args[:position], weights, *args[position + 1 :])
            leaves = [jnp.asarray(leaf) for leaf in jax.tree.leaves((every, kwargs))]
            return prepared.run(leaves, weights=True)

        value, pull, *aux = jax.vjp(run, args[position], has_aux=has_aux)
        (density,) = pull(densities(value, seed))

        def product(weight, density):
            if not jnp.issubdtype(jnp.result_type(weight), jnp.inexact):
                return density
            product = weight * density
            return product.real.astype(product.dtype) if jnp.iscomplexobj(product) else product

        return ((value, aux[0]) if has_aux else value), jax.tree.map(product, args[position], density)

    return with_relevance
