"""The transformed program: every operation as it was, with the plan's derivatives."""

import dataclasses
import math
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from lrp_jax.core.analysis.demand import Activate, Call, Segments, Share, Split
from lrp_jax.core.analysis.named import BODIES
from lrp_jax.core.analysis.neurons import LayerRule
from lrp_jax.core.program import operations as P
from lrp_jax.core.program.graph import Graph, Node, Value, scan_parts
from lrp_jax.core.rules import Derivative
from lrp_jax.core.running import backward
from lrp_jax.core.running.bilinear import Product
from lrp_jax.core.running.layers import Layer
from lrp_jax.core.running.max_pooling import windows_of


@dataclasses.dataclass(frozen=True)
class Evaluator:
    """Runs a planned graph.

    Attributes:
      masks: name, or glob of names -> array, multiplied with the density at the places of that name (`named.py`).
      times_input: whether what a probe measures is relevance, or the density itself (for derivatives).
      weights: whether rules for whole layers also say what passed each weight.
      tap: called with every array that carries relevance and a key for where it does, e.g. to measure it there;
        with `second=True` if what arrives at the array is relevance and not a density.
      compiled: the jitted bodies made so far, by what they are and what is planned for them: a layer that is called
        a hundred times with the same plan stays one function, traced and compiled once.
    """

    masks: Mapping[str, Array]
    times_input: bool = True
    weights: bool = False
    tap: Callable[..., Array] = lambda array, *point, second=False: array
    compiled: dict[Any, Callable[..., Any]] = dataclasses.field(default_factory=dict)

    def run(
        self,
        graph: Graph,
        args: Sequence[Array],
        seconds: Sequence[Array | None] = (),
        probes: Mapping[tuple[int, int], Any] = types.MappingProxyType({}),
    ) -> list[Array]:
        """The outputs of the graph.

        Args:
          graph: with a plan.
          args: its inputs.
          seconds: the second reads of the explained ones (`transform.read_inputs`); bodies of calls have none.
          probes: what `named.probes` makes; the derivative along them is the relevance at the named places.
        """
        _find_live(graph)
        env: dict[Value, Array] = {}

        def write(value: Value, array: Array, position: int = 0) -> None:
            array = self.tap(array, "in", value)
            if value.end is not None:
                array = backward.neuron(value.end, array)
            array = at_place(value, self.tap(array, "out", value), array if self.times_input else 1, position)
            env[value] = self.tap(array, "named", value)

        def at_place(value: Value, array: Array, factor: Array | int, position: int) -> Array:
            """A named value, whose density (or relevance, where the factor is 1) is read and masked."""
            if value.named:
                probe = probes.get((value.node.index, position))
                if probe is not None:
                    array = backward.probed(array, probe, factor)
                for pattern in dict.fromkeys(p for p, _ in value.named if p in self.masks):
                    array = backward.masked(array, jnp.asarray(self.masks[pattern], array.dtype))
            return array

        def read(value: Value) -> Array:
            return value.constant if value.constant is not None else env[value]

        moved = dict(zip(graph.inputs, seconds, strict=True)) if seconds else {}

        def second(value: Value) -> Array | None:
            """The second read of an input, moved as the first was to become `value`; None if it was not just moved."""
            if value not in moved:
                moved[value] = None
                node = value.node
                if node is not None and moves_relevance(node):
                    operands = [second(v) if v.facts.depends else read(v) for v in node.inputs]
                    if all(o is not None for o in operands):
                        taps = [
                            self.tap(o, "move", node, v, second=True) if v.facts.depends else o
                            for v, o in zip(node.inputs, operands, strict=True)
                        ]
                        for i, (v, array) in enumerate(zip(node.outputs, node.bind(*taps), strict=True)):
                            moved[v] = at_place(v, self.tap(array, "moved", v, second=True), 1, i)
            return moved[value]

        def reader(node: Node) -> Callable[[Value], Array]:
            return lambda value: self.tap(read(value), "edge", node, value)

        for value, array in zip(graph.inputs, args, strict=True):
            write(value, array)
        for node in graph.nodes:
            if not _is_live(node):
                continue
            results = self._node(node, reader(node), second, probes.get((node.index, BODIES)))
            for i, (value, array) in enumerate(zip(node.outputs, results, strict=True)):
                write(value, array, i)
        return [read(v) for v in graph.outputs]

    def _node(
        self,
        node: Node,
        read: Callable[[Value], Array],
        second: Callable[[Value], Array | None],
        probes: Any,
    ) -> list[Array]:
        match node.action:
            case Activate(rule, source, region):
                return [_activation(rule, source, region, node.outputs[0], read)]
            case LayerRule():
                return [self._layer(node, node.action, read, second)]
            case Split(shares) if node.name == "div":
                return [backward.quotient(shares, *map(read, node.inputs))]
            case Split(shares):
                # Operands beyond the two factors are sizes, and carry nothing.
                factors = [backward.share(read(v), s) for v, s in zip(node.inputs, shares, strict=False)]
                return node.bind(*factors, *map(read, node.inputs[len(factors) :]))
            case Share():
                return [_share(node, read(node.inputs[0]))]
            case Segments():
                return [_segments(node, *map(read, node.inputs))]
            case Call():
                return self._call(node, [read(v) for v in node.inputs], probes or [{} for _ in node.bodies])
        operands = [read(v) for v in node.inputs]
        if node.name == "reduce_window_max" and node.inputs[0].facts.depends and (windows := windows_of(node.params)):
            return [backward.max_pool(windows, lambda x: node.bind(x)[0], *operands)]
        # A loop that feeds gates only: jax need not look for a way back through it, and does not always find one.
        if (node.name in P.OPAQUE or node.bodies) and not any(v.use for v in node.outputs if v.facts.depends):
            return backward.opaque(node.bind, operands)
        return node.bind(*operands)

    def _layer(self, node: Node, action: LayerRule, read, second) -> Array:
        signal = action.product.inputs[action.signal]
        make, weights = _built_layer(action, read)
        if not getattr(action.rule, "of_relevance", False):
            return backward.layer(action.rule, make, read(signal), weights, self.weights)
        again = second(signal)
        if again is not None:
            again = self.tap(again, "edge", node, signal, second=True)
        return backward.layer_of_relevance(action.rule, make, read(signal), again, weights, self.weights)

    def _call(self, node: Node, args: list[Array], probes: list[Any]) -> list[Array]:
        params = node.params

        def body(probes, *operands):
            return self.run(node.bodies[0], operands, probes=probes)

        match node.name:
            case "jit":
                graph = node.bodies[0]
                shared = self.compiled.setdefault((id(graph.body_of), signature(graph)), jax.jit(body))
                return shared(probes[0], *args)
            case "shard_map":
                return self._shard_map(node, args)
            case "remat2":
                body = jax.checkpoint(body, prevent_cse=params["prevent_cse"], policy=params["policy"])
            case "scan":
                return self._scan(node, args, probes[0])
            case "cond":
                index, *operands = args

                def branch(i):
                    return lambda probes, *operands: self.run(node.bodies[i], operands, probes=probes[i])

                return lax.switch(index, [branch(i) for i in range(len(node.bodies))], probes, *operands)
        # custom_jvp_call, custom_vjp_call and the plain calls: the function itself is explained, and the derivative
        # that its author gave it does not apply to relevance.
        return body(probes[0], *args)

    def _shard_map(self, node: Node, args: list[Array]) -> list[Array]:
        params = node.params

        def body(*operands):
            return tuple(self.run(node.bodies[0], operands))

        sharded = jax.shard_map(
            body,
            mesh=params["mesh"],
            in_specs=tuple(params["in_specs"]),
            out_specs=tuple(params["out_specs"]),
            axis_names=params["newly_manual_axes"] if "newly_manual_axes" in params else params["manual_axes"],
            check_vma=params["check_vma"],
        )
        return list(sharded(*args))

    def _scan(self, node: Node, args: list[Array], probes: Any) -> list[Array]:
        params = node.params
        constants, carries = scan_parts(node)
        fixed, init, slices = (
            args[:constants],
            args[constants : constants + carries],
            args[constants + carries :],
        )

        def step(carry, sliced):
            x, probes = sliced
            outs = self.run(node.bodies[0], [*fixed, *carry, *x], probes=probes)
            return tuple(outs[:carries]), tuple(outs[carries:])

        carry, stacked = lax.scan(
            step,
            tuple(init),
            (tuple(slices), probes),
            length=params["length"],
            reverse=params["reverse"],
            unroll=params["unroll"],
        )
        return [*carry, *stacked]


def signature(graph: Graph) -> tuple:
    """What is planned for a graph: two calls of one body with equal signatures are the same function."""

    # Rules by identity: two rules that print or compare alike may differ, and a plan's rules outlive it.
    inputs = {v: i for i, v in enumerate(graph.inputs)}

    def of_action(action):
        match action:
            case Activate(rule, source, region):
                where = source.node.index if source.node is not None else (inputs.get(source),)
                return id(rule), where, tuple(n.index for n in region)
            case LayerRule(rule, product, signal, chain):
                non_negative = product.inputs[signal].facts.non_negative
                return id(rule), product.index, signal, non_negative, tuple(n.index for n in chain)
            case Split(shares):
                return shares
        return type(action).__name__

    def of_value(value):
        return id(value.end), tuple(p for p, _ in value.named), value.facts.depends, bool(value.use)

    nodes = tuple(
        (
            node.absorbed,
            of_action(node.action),
            tuple(v.facts.depends for v in node.inputs),
            *map(of_value, node.outputs),
            *map(signature, node.bodies),
        )
        for node in graph.nodes
    )
    return tuple(map(of_value, graph.inputs)), nodes


def moves_relevance(node: Node) -> bool:
    """Whether a node only moves relevance (real numbers) about."""
    moves = node.name in P.MOVEMENT or node.name in P.ROUTING or node.weights == "movement"
    return moves and not any(v.is_complex for v in (*node.inputs, *node.outputs))


def _find_live(graph: Graph) -> None:
    """Marks what the outputs need: an activation, or a layer, needs where it begins, and not the nodes inside.

    These are evaluated only if something that carries no relevance reads them too.
    """
    for node in graph.nodes:
        for value in (*node.inputs, *node.outputs):
            value.live = False
    for value in graph.outputs:
        value.live = True
    for node in reversed(graph.nodes):
        if not _is_live(node):
            continue
        if isinstance(node.action, LayerRule):
            constants = [v for n in node.action.chain for v in n.inputs]
            needed = [*node.action.product.inputs, *constants]
            needed += [v.node.inputs[0] for v in constants if _is_broadcast(v)]
        elif isinstance(node.action, Activate):
            needed = [node.action.source, *_outside(node.action.source, node.action.region)]
        else:
            needed = node.inputs
        for value in needed:
            value.live = True


def _is_live(node: Node) -> bool:
    return any(v.live for v in node.outputs) or bool(node.eqn.effects)


def _outside(source: Value, region: Sequence[Node]) -> list[Value]:
    """The constants that a region reads."""
    made = {v for n in region for v in n.outputs}
    values = dict.fromkeys(v for n in region for v in n.inputs if v is not source and v not in made)
    return [v for v in values if v.constant is None]


def _activation(rule, source: Value, region: Sequence[Node], result: Value, read) -> Array:
    constants = _outside(source, region)

    def f(z, *arrays):
        env = dict(zip([source, *constants], [z, *arrays], strict=True))
        for node in region:
            operands = [v.constant if v.constant is not None else env[v] for v in node.inputs]
            env |= dict(zip(node.outputs, node.bind(*operands), strict=True))
        return env[result]

    arrays = tuple(read(v) for v in constants)
    return (
        f(read(source), *arrays) if isinstance(rule, Derivative) else backward.activation(rule, f, read(source), arrays)
    )


def _share(node: Node, x: Array) -> Array:
    params = node.params
    options = {name: params[name] for name in ("padding", "base_dilation", "window_dilation")}

    def window_sum(x):
        zero = np.zeros((), x.dtype)
        return lax.reduce_window(
            x, zero, lax.add, node.params["window_dimensions"], node.params["window_strides"], **options
        )

    return backward.pool(window_sum, lambda x: node.bind(x)[0], x)


def _segments(node: Node, operand: Array, indices: Array, updates: Array) -> Array:
    params = {k: v for k, v in node.params.items() if k not in ("update_jaxpr", "update_consts")}
    params["mode"] = lax.GatherScatterMode.from_any(params["mode"])
    zeros = jnp.zeros(operand.shape, operand.dtype)

    def collect(updates):
        return lax.scatter_add(zeros, indices, updates, **params)

    return backward.segments(lambda *arrays: node.bind(arrays[0], indices, arrays[1])[0], collect, operand, updates)


def _built_layer(action: LayerRule, read):
    """The layer as a function of (input, weights), and its weights."""
    node = action.product
    signal, kernel = node.inputs[action.signal], node.inputs[1 - action.signal]
    steps = [node.outputs[0], *(n.outputs[0] for n in action.chain)]
    others = [next((v for v in n.inputs if v is not u), None) for n, u in zip(action.chain, steps, strict=False)]

    links = [n for n, v in zip(action.chain, others, strict=True) if v is None]
    moves = [n for n in links if n.name != "neg" and n.name not in P.IDENTITY]
    product = Product(node, action.signal, moves)

    def make(x, weights):
        weight, constants = weights
        output = product.plain(x, weight)
        scale, shift = jnp.ones((), output.dtype), jnp.zeros((), output.dtype)
        axes = _channel_axes(node, action.signal)
        for link, u, (whole, small) in zip(action.chain, steps, constants, strict=False):
            if link in moves:
                scale, shift = (
                    a if a.ndim == 0 else link.bind(jnp.broadcast_to(a, u.shape))[0] for a in (scale, shift)
                )
                axes = _moved(axes, link)
            last = whole is not None and link.inputs[1] is u
            scale, shift = _affine(link.name, scale, shift, small, last)
            (output,) = link.bind(*((output,) if whole is None else (whole, output) if last else (output, whole)))
        return Layer(x, weight, scale, shift, output, product, axes, signal.facts.non_negative)

    constants = [(None, None) if v is None else (read(v), _unbroadcast(v, read)) for v in others]
    return make, (read(kernel), constants)


def _affine(name: str, scale: Array, shift: Array, constant: Array, last: bool) -> tuple[Array, Array]:
    """Scale and shift after one more operation; `last` says that the signal is its second operand."""
    match name:
        case "add" | "add_any":
            return scale, shift + constant
        case "sub":
            return (-scale, constant - shift) if last else (scale, shift - constant)
        case "mul":
            return scale * constant, shift * constant
        case "div":
            return scale / constant, shift / constant
        case "neg":
            return -scale, -shift
    return scale, shift


def _unbroadcast(value: Value, read) -> Array:
    """A constant with axes of size one where it was repeated, so that a scale per channel is seen as one."""
    if not _is_broadcast(value):
        return read(value)
    node = value.node
    shape = [1] * len(value.shape)
    for axis, size in zip(node.params["broadcast_dimensions"], node.inputs[0].shape, strict=True):
        shape[axis] = size
    return read(node.inputs[0]).reshape(shape)


def _is_broadcast(value: Value) -> bool:
    return value.node is not None and value.node.name == "broadcast_in_dim" and value.node.inputs[0].shape != ()


def _moved(axes: tuple[int, int] | None, node: Node) -> tuple[int, int] | None:
    """The channel axes after data movement; None where the channels have no axis of their own any more."""
    if axes is None:
        return None
    axis, kernel_axis = axes
    before, after = node.inputs[0].shape, node.outputs[0].shape
    match node.name:
        case "transpose":
            return node.params["permutation"].index(axis), kernel_axis
        case "broadcast_in_dim":
            return node.params["broadcast_dimensions"][axis], kernel_axis
        case "rev" if axis in node.params["dimensions"]:
            return None
        case "reshape" | "squeeze":
            for new, size in enumerate(after):
                if size == before[axis] and math.prod(after[:new]) == math.prod(before[:axis]):
                    return new, kernel_axis
            return None
    return axes


def _channel_axes(node: Node, signal: int) -> tuple[int, int] | None:
    numbers = node.params["dimension_numbers"]
    if node.name == "conv_general_dilated":
        if signal != 0 or node.params["batch_group_count"] != 1:
            return None
        return numbers.out_spec[1], numbers.rhs_spec[0]
    contracted, batched = numbers
    kernel = 1 - signal
    taken = {*contracted[kernel], *batched[kernel]}
    free = [axis for axis in range(len(node.inputs[kernel].shape)) if axis not in taken]
    if len(free) != 1:
        return None
    return (len(node.outputs[0].shape) - 1 if kernel == 1 else len(batched[0])), free[0]
