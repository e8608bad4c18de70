"""`lrp`: a function with the same value, whose derivative is relevance."""

import dataclasses
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from lrp_jax.core.analysis.plan import Plan, make_plan
from lrp_jax.core.analysis.refusals import tell
from lrp_jax.core.composite import Composite
from lrp_jax.core.presets import PAPER
from lrp_jax.core.rules import divide
from lrp_jax.core.running import backward
from lrp_jax.core.running.interpreter import Evaluator


class RelevanceError(TypeError):
    """Relevance would pass through operations that have no meaning under the rules."""


def lrp(
    f: Callable[..., Any],
    rules: Composite = PAPER,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    masks: Mapping[str, Array] | None = None,
) -> Callable[..., Any]:
    """Makes a function with the value of `f` whose JAX derivative is relevance.

    `jax.grad(lrp(f))(x)` is R(x): how much each element of x spoke for (or against) the value f(x). With
    R_i = x_i c_i the densities c propagate like gradients with some local derivatives changed (see `rules`); the
    explained arguments multiply what arrives by themselves. Sums over several paths, vmap, jit, scan and second
    derivatives are JAX's own. Apply `jax.jit` outside: `f` is traced at every call of an unjitted `lrp(f)`.

    Args:
      f: any function of arrays (or pytrees of them) that JAX can trace; integers carry no relevance.
      rules: the composite.
      argnums: the argument, or arguments, to explain.
      has_aux: whether `f` returns (value, auxiliary); the auxiliary part carries no relevance.
      masks: name -> an array that multiplies the density there, which restricts the explanation to what flows through
        some elements of a value. It broadcasts against the value. Names are as for `relevance_at`.

    Returns:
      A function with the signature and the value of `f`.

    Raises:
      RelevanceError: when called, if relevance would reach operations without a rule; it lists them all.
      NoPlaceError: when called, if relevance passes no place of the name of a mask.

    Example:
      >>> import jax, jax.numpy as jnp, lrp_jax
      >>> w = jnp.array([1.0, -2.0, 3.0])
      >>> jax.grad(lrp_jax.lrp(lambda x: x @ w, lrp_jax.PAPER))(jnp.array([1.0, 1.0, 0.0])).round(2)
      Array([ 0.99, -1.98,  0.  ], dtype=float32)

    Reference:
      Sun et al., Explain and Improve (arXiv 2001.01037), Eqs. 19-22; Bach et al., 2015.
    """

    @functools.wraps(f)
    def transformed(*args, **kwargs):
        prepared = prepare(f, rules, argnums, has_aux, args, kwargs, names=masks or ())
        return prepared.run(prepared.arrays, masks)

    return transformed


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A call of a function, flattened: its plan, its arguments, and which of them are explained."""

    plan: Plan
    rules: Composite
    arrays: list[Array]
    explained: list[bool]

    def run(
        self,
        arrays: Sequence[Array],
        masks: Mapping[str, Array] | None = None,
        probes: Mapping[Any, Any] | None = None,
        **options: Any,
    ) -> Any:
        """The transformed function's result for other values of the arguments.

        Args:
          arrays: the arguments, flat.
          masks: as for `lrp`.
          probes: what `named.probes` makes.
          options: fields of the `Evaluator`.

        Raises:
          RelevanceError: if the plan has refusals.
        """
        plan = self.plan
        if plan.refusals:
            raise RelevanceError(_message(self.rules, plan.refusals))
        evaluator = Evaluator(dict(masks or {}), times_input=self.rules.times_input, **options)
        results = evaluator.run(plan.graph, *read_inputs(arrays, self.explained, self.rules), probes=probes or {})
        return jax.tree.unflatten(plan.outputs, results)


def prepare(
    f: Callable[..., Any],
    rules: Composite,
    argnums: int | Sequence[int],
    has_aux: bool,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    names: Collection[str] = (),
) -> Prepared:
    """Plans the relevance of one call `f(*args, **kwargs)`, to be read or masked at `names`.

    Shapes in place of arrays make a plan that cannot be run.
    """
    chosen = positions(argnums, len(args))
    leaves, tree = jax.tree.flatten((args, kwargs))
    mine = tuple(jax.tree.map(lambda _, i=i: i in chosen, a) for i, a in enumerate(args))
    owned = jax.tree.leaves((mine, jax.tree.map(lambda _: False, kwargs)))
    explained = [own and _is_float(leaf) for own, leaf in zip(owned, leaves, strict=True)]

    def flat(*flat_leaves):
        flat_args, flat_kwargs = jax.tree.unflatten(tree, flat_leaves)
        return f(*flat_args, **flat_kwargs)

    paths = [jax.tree_util.keystr(p, simple=True, separator="/") for p, _ in jax.tree_util.tree_leaves_with_path(args)]
    paths += [""] * (len(leaves) - len(paths))
    plan = make_plan(flat, leaves, explained, rules, has_aux, paths, tuple(names))
    arrays = [leaf if isinstance(leaf, jax.ShapeDtypeStruct) else jnp.asarray(leaf) for leaf in leaves]
    return Prepared(plan, rules, arrays, explained)


def read_inputs(
    arrays: Sequence[Array], explained: Sequence[bool], rules: Composite
) -> tuple[list[Array], list[Array | None]]:
    """The arguments, and for the explained ones a second read.

    What arrives at the first read is a density, and is multiplied by the input if the composite says so. What arrives
    at the second is relevance already: rules that do not multiply by the input use it.
    """
    read = backward.read_times_input if rules.times_input else backward.read
    pairs = [read(a) if e else (a, None) for e, a in zip(explained, arrays, strict=True)]
    return [first for first, _ in pairs], [second for _, second in pairs]


def densities(value: Any, seed: Any) -> Any:
    """The cotangents of a value that a seed stands for: seed / value, and 0 where the value is 0."""

    def density(v, s=None):
        if not jnp.issubdtype(v.dtype, jnp.inexact):
            return np.zeros(v.shape, jax.dtypes.float0)
        s = v if s is None else jnp.asarray(s, v.dtype)
        if s.shape != v.shape:
            raise ValueError(f"got a seed of shape {s.shape}; wanted the shape of the output, {v.shape}")
        if jnp.iscomplexobj(v):  # both parts carry their own; the minus is in how jax transposes complex numbers
            return lax.complex(divide(s.real, v.real), -divide(s.imag, v.imag))
        return divide(s, v)

    return jax.tree.map(density, value) if seed is None else jax.tree.map(density, value, seed)


def _is_float(leaf: Any) -> bool:
    return jnp.issubdtype(jnp.result_type(leaf), jnp.inexact)


def positions(argnums: int | Sequence[int], count: int) -> list[int]:
    """`argnums` as a list of positions from 0 to count - 1."""
    chosen = [argnums] if isinstance(argnums, int) else list(argnums)
    for i in chosen:
        if not isinstance(i, int) or not -count <= i < count:
            raise ValueError(f"got argnums={i!r}; wanted the position of one of the {count} positional arguments")
    return [i % count for i in chosen]


def _message(rules: Composite, refusals: Sequence[Any]) -> str:
    lines = [f"{len(refusals)} operation(s) would carry relevance and have no rule in {rules.name}:"]
    return "\n  ".join(lines + tell(refusals, rules))
