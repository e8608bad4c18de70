"""Parts of a program that are one thing to a rule: an elementwise function of one signal, a softmax."""

from lrp_jax.core.analysis import curves
from lrp_jax.core.analysis.facts import CUSTOM
from lrp_jax.core.program import operations as P
from lrp_jax.core.program.graph import Graph, Node, Value

Region = tuple[Value, tuple[Node, ...]]
"""The one value that a subgraph is a function of, and its nodes in the order of the program."""

# What a softmax is made of, from its scores on.
_SOFTMAX = frozenset({
    "exp", "exp2", "log", "reduce_sum", "div", "mul", "sub", "add", "max", "reduce_max", "stop_gradient",
    "broadcast_in_dim", "reshape", "squeeze", "integer_pow", "select_n", "convert_element_type", "scatter-add",
    "scatter-max", "gather",
})  # fmt: skip

# What keeps the log of a probability finite.
_FLOORS = ("add", "max", "min", "clamp", "convert_element_type")

# What makes an elementwise function more than a polynomial.
_BENDS = ("max", "min", "clamp", "select_n")

# What a sigmoid may end with, other than with `logistic`.
_SIGMOIDS = ("div", "mul", "add", "sub", "integer_pow", "exp", "select_n", "min", "max", "clamp")

# What a rectifier may end with.
_RECTIFIERS = ("max", "min", "clamp", "select_n", "mul", "div", "add", "sub", "neg")


def is_softmax(node: Node) -> bool:
    """Whether a node is the division (or the exp of a difference) that ends a softmax."""
    facts = [v.facts for v in node.inputs]
    match node.name:
        case "div" | "mul" if len(facts) == 2 and all(f.depends for f in facts):
            weight, total = sorted(facts, key=lambda f: f.part in ("sum", "inverse"))
            exact = weight.part == "weight" and total.part in ("sum", "inverse") and weight.of <= total.of
            return exact and all(name in ("exp", "exp2") for name, _ in weight.of)
        case "exp":
            return facts[0].part == "log"
    return False


def average(node: Node) -> int | None:
    """The position of the sum of weights, in a division that ends an average: signals times weights by their sum."""
    facts = [v.facts for v in node.inputs]
    if node.name not in ("div", "mul") or len(facts) != 2 or not all(f.depends for f in facts):
        return None
    wanted = ("sum",) if node.name == "div" else ("inverse",)
    for position in (1,) if node.name == "div" else (0, 1):
        total, weighted = facts[position], facts[1 - position]
        if total.part in wanted and weighted.part in ("weight", "weighted") and total.of <= weighted.of:
            return position
    return None


def softmax_region(node: Node) -> Region | None:
    """The scores of the softmax that ends in `node`, and all nodes from there on."""
    region = region_of(node, inside=_SOFTMAX)
    if region is None:
        return None
    source, nodes = region
    # Before the exp stands the subtraction of the largest score, which is a constant and no bias.
    while source.node is not None and source.node.name in ("exp", "exp2", "sub") and not source.node.bodies:
        signals = [v for v in source.node.inputs if v.facts.depends]
        if len(signals) != 1 or (source.node.name == "sub" and signals[0] is not source.node.inputs[0]):
            break
        nodes = (source.node, *nodes)
        (source,) = signals
        if nodes[0].name == "sub":
            break
    return source, nodes


def is_logsumexp(node: Node) -> bool:
    """Whether a node is the log of a sum of exponentials, as in `log_softmax`, `logsumexp` and cross-entropies."""
    facts = node.outputs[0].facts
    return node.name == "log" and facts.part == "logsum" and all(name in ("exp", "exp2") for name, _ in facts.of)


def logsumexp_region(node: Node) -> Region | None:
    """The scores under the log of a sum of their exponentials, and all nodes from there on; None of several scores."""
    source, nodes, is_exponent = node.inputs[0], (node,), False
    while source.node is not None and not source.node.bodies:
        before = source.node
        signals = [v for v in before.inputs if v.facts.depends]
        if len(signals) != 1:
            return None
        if is_exponent and not (before.name == "sub" and signals[0] is before.inputs[0]):
            return source, nodes  # the largest score was not taken out
        if not is_exponent and before.name not in _SOFTMAX and before.name != "abs":
            return None
        nodes, (source,) = (before, *nodes), signals
        if is_exponent:
            return source, nodes
        is_exponent = before.name in ("exp", "exp2")
    return (source, nodes) if is_exponent else None


def is_log_of_softmax(node: Node) -> bool:
    """Whether a node is the log of probabilities that a softmax makes, or of some of them, with a floor or without."""
    if node.name not in ("log", "log2"):
        return False
    (value,) = node.inputs
    while value.node is not None and not is_softmax(value.node):
        moves = value.node.name in P.MOVEMENT or value.node.name in P.ROUTING or value.node.name in _FLOORS
        signals = {v for v in value.node.inputs if v.facts.depends}
        if not moves or len(signals) != 1:
            return False
        (value,) = signals
    return value.node is not None


def is_logaddexp(node: Node) -> bool:
    """Whether a node is the log1p(exp(-|a - b|)) of two signals that `jnp.logaddexp` adds to the larger one."""
    if node.name != "log1p":
        return False
    (value,) = node.inputs
    for name in ("exp", "neg", "abs"):
        if value.node is None or value.node.name != name:
            return False
        (value,) = value.node.inputs
    return value.node is not None and value.node.name == "sub" and all(v.facts.depends for v in value.node.inputs)


def region_of(node: Node, inside: frozenset[str] | None = None, source: Value | None = None) -> Region | None:
    """The smallest subgraph that ends in `node` and is a function of one value only.

    `inside` are the primitives that it may be made of; by default elementwise ones, all of the node's own shape.
    `source` is the value that it has to begin at; by default the first that is found alone.
    """
    shape = node.outputs[0].shape

    def follows(value: Value) -> bool:
        return value.facts.varies if inside is None else value.facts.depends

    def may_belong(value: Value) -> bool:
        producer = value.node
        if producer is None or value is source:
            return False
        if inside is not None:
            return producer.name in inside and not producer.bodies
        named = producer.name in P.ELEMENTWISE or is_elementwise_call(producer)
        return named and value.shape == shape and len(producer.outputs) == 1

    # Walk back from the node through the producer that stands last in the program until one value is left.
    nodes = [node]
    frontier = {v: None for v in node.inputs if follows(v)}
    while len(frontier) > 1 or (source is not None and source not in frontier):
        candidates = [v for v in frontier if may_belong(v)]
        if not candidates:
            return None
        latest = max(candidates, key=lambda value: value.node.index)
        del frontier[latest]
        nodes.append(latest.node)
        frontier |= {v: None for v in latest.node.inputs if follows(v)}
    if not frontier:
        return None
    (found,) = frontier
    if not found.facts.depends or (inside is None and found.shape != shape):
        return None
    return found, tuple(sorted(nodes, key=lambda n: n.index))


def rectifier(node: Node) -> Region | None:
    """The subgraph that ends in `node` and is max(z, 0), however it is spelled."""
    if len(node.outputs) != 1 or node.name not in _RECTIFIERS:
        return None
    source = curves.rectified(node.outputs[0])
    return None if source is None else region_of(node, source=source)


def sigmoid(node: Node) -> Region | None:
    """The subgraph that ends in `node` and is a gate, or what a signal is divided by to be gated."""
    if len(node.outputs) != 1 or node.name not in _SIGMOIDS:
        return None
    (value,) = node.outputs
    source = curves.gated(value) or curves.divisor(value)
    return None if source is None else region_of(node, source=source)


def bends(nodes: tuple[Node, ...]) -> bool:
    """Whether an elementwise function is more than a polynomial: products of a signal with itself are none."""
    return any(n.name in P.ACTIVATION or n.name in _BENDS or n.bodies for n in nodes)


def before(node: Node) -> Region:
    """An activation of one array and its source: with the polynomial that it is of, as in exp(-x^2), if it is of one.

    Of log(1 + exp(x)) it is the whole, for the 1 is no bias of a neuron.
    """
    (source,) = {v for v in node.inputs if v.facts.depends}
    chain, value = [], source
    while value.node is not None and value.node.name in ("add", "mul", "neg", "sub", "div") and not value.node.bodies:
        inputs = value.node.inputs
        signals = [v for v in inputs if v.facts.depends]
        if len(signals) != 1 or any(v.scalar is None for v in inputs if v is not signals[0]):
            break
        chain.append(value.node)
        value = signals[0]
    inner = value.node
    if inner is None or inner.bodies or value.shape != node.outputs[0].shape:
        return source, (node,)
    of_exp = node.name in ("log", "log1p") and inner.name in ("exp", "expm1")
    squared = inner.name in P.POLYNOMIAL or (inner.name == "mul" and inner.inputs[0] is inner.inputs[1])
    sources = {v for v in inner.inputs if v.facts.depends}
    if (of_exp or squared) and len(sources) == 1:
        return sources.pop(), (inner, *reversed(chain), node)
    return source, (node,)


def is_elementwise_call(node: Node) -> bool:
    """Whether a node is a function with its author's derivative, elementwise in one signal and more than affine."""
    if node.name not in CUSTOM or len(node.outputs) != 1:
        return False
    signals = {v for v in node.inputs if v.facts.varies}
    return len(signals) == 1 and not loses(node) and _is_activation(node.bodies[0])


def _is_activation(body: Graph) -> bool:
    if len(body.outputs) != 1 or not body.outputs[0].facts.depends:
        return False
    shape = body.outputs[0].shape
    nonlinear = False
    for node in body.nodes:
        if any(v.facts.depends for v in node.inputs) and not node.bodies:
            if node.name not in P.ELEMENTWISE or node.outputs[0].shape != shape:
                return False
            constants = (v for v in node.inputs if not v.facts.varies and v.is_float)
            if any(v.shape != () and v.scalar is None for v in constants):
                return False
            nonlinear |= bends((node,))
        elif node.bodies:
            if not all(_is_activation(b) for b in node.bodies):
                return False
            nonlinear = True
    return nonlinear


# Roundings: what goes into one does not go on into what comes out.
_ROUNDINGS = ("round", "floor", "ceil", "sign")


def loses(node: Node) -> bool:
    """Whether a signal is rounded, or cast to integers, in a node or its bodies."""
    if node.bodies:
        return any(loses(n) for body in node.bodies for n in body.nodes)
    if not any(v.facts.varies for v in node.inputs):
        return False
    cast = node.name == "convert_element_type" and node.inputs[0].is_float and not node.outputs[0].is_float
    return node.name in _ROUNDINGS or (cast and node.outputs[0].aval.dtype.kind in "iu")
