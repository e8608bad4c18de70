"""The last analysis: where each sum ends, and what belongs to a convolution with its bias or batch norm.

A neuron is where a sum ends. A value is *open* when it continues a sum; it ends where its use says so (`demand.py`),
and there the rule of the operation that began the sum is applied.
"""

import dataclasses
from typing import Any

from lrp_jax.core.analysis.demand import END, NONE, ON, Activate, Call, Split, site
from lrp_jax.core.composite import Composite
from lrp_jax.core.declare import NEURON
from lrp_jax.core.program import operations as P
from lrp_jax.core.program.graph import Graph, Node, Value, scan_parts
from lrp_jax.core.rules import Derivative


@dataclasses.dataclass(frozen=True)
class LayerRule:
    """A convolution or dense product under a rule for whole layers.

    It is the action of the layer's last node, where everything that the layer reads is known.

    Attributes:
      rule: the rule.
      product: the convolution or dot.
      signal: which operand of it is the input; the other one is the kernel.
      chain: the bias and batch norm after it.
    """

    rule: Any
    product: Node
    signal: int
    chain: tuple[Node, ...]


class CutLayer(Exception):
    """A layer's bias or batch norm may stand outside the jitted body `body` that the layer stands in: inline it."""

    def __init__(self, body: Any):
        self.body = body


class Neurons:
    def __init__(self, rules: Composite):
        self.rules = rules

    def find(self, graph: Graph, inputs: list[Node | None], call: Node | None = None) -> list[Node | None]:
        """Writes `open`, `end` and layer actions.

        Args:
          graph: with facts, uses and actions.
          inputs: for each input, the operation that began the sum it continues, or None.
          call: the call whose body this is.

        Returns:
          The same for the outputs.
        """
        for value in graph.inputs:
            value.open, value.end = None, None
        for node in graph.nodes:
            for value in node.outputs:
                value.open, value.end = None, None
        for value, began in zip(graph.inputs, inputs, strict=True):
            self._continue(value, began)
        for node in graph.nodes:
            if (
                node.absorbed
                or isinstance(node.action, LayerRule)
                or not any(v.use and v.facts.depends for v in node.outputs)
            ):
                continue
            if isinstance(node.action, Call):
                self._call(node)
            else:
                self._node(graph, node, call)
        return [v.open if v.use == ON and v.facts.depends else None for v in graph.outputs]

    def _continue(self, value: Value, began: Node | None) -> None:
        if began is None or not value.facts.depends or value.use == NONE:
            return
        value.open = began
        if value.use == END:
            self._end(value)

    def _end(self, value: Value) -> None:
        kind = kind_of_sum(value.open)
        rule = self.rules.rule(site(value.open, kind))
        value.end = None if rule is None or isinstance(rule, Derivative) else rule

    def _node(self, graph: Graph, node: Node, call: Node | None) -> None:
        name, (result, *_) = node.name, node.outputs
        signals = [v for v in node.inputs if v.facts.depends]
        if name == "name" and node.params["name"] == NEURON:
            result.open = node
            self._end(result)
        elif name in P.SUMMATION and node.weights != "movement":
            rule = self.rules.rule(site(node, kind_of_sum(node)))
            if getattr(rule, "layer", False):
                self._layer(graph, node, rule, call)
            else:
                self._continue(result, node)
        elif name in P.ADDITION and len(node.outputs) > 1:
            for value, term in zip(node.outputs, node.inputs, strict=True):
                self._continue(value, term.open or node)
        elif name in P.ADDITION and node.action is None:
            began = [v.open for v in signals if v.open is not None]
            # A bias, a residual or a mean belongs to the product it is added to, if there is one.
            self._continue(result, next((n for n in began if kind_of_sum(n) != "sum"), node))
        elif node.action is None and (name in P.MOVEMENT or name in ("mul", "div", "neg", "broadcast_in_dim")):
            for value in node.outputs:
                self._continue(value, signals[0].open if signals and signals[0].use == ON else None)
        elif isinstance(node.action, Split) and node.action.scales:
            (scaled,) = (v for v, share in zip(node.inputs, node.action.shares, strict=True) if share)
            self._continue(result, scaled.open if scaled.use == ON else None)

    def _layer(self, graph: Graph, node: Node, rule: Any, call: Node | None) -> None:
        chain: list[Node] = []
        value = node.outputs[0]
        while value.use == ON:
            users = [n for n in graph.users.get(value, []) if any(v.use and v.facts.depends for v in n.outputs)]
            if not users:
                if call is not None and call.name in ("jit", "closed_call"):
                    raise CutLayer(graph.body_of)
                break
            if len(users) > 1 or not _is_affine(users[0], value) or _reads(users[0], value, node):
                break
            (user,) = users
            chain.append(user)
            value = user.outputs[0]
            if user.name == "name" and user.params["name"] == NEURON:
                break
        for link in (node, *chain):
            link.absorbed = True
        signal = next(i for i, v in enumerate(node.inputs) if v.facts.depends)
        last = (chain or [node])[-1]
        last.absorbed, last.action = False, LayerRule(rule, node, signal, tuple(chain))

    def _call(self, node: Node) -> None:
        if node.name == "scan":
            outs = self._scan(node)
        elif node.name == "cond":
            for body in node.bodies:
                self.find(body, [v.open if v.use == ON else None for v in node.inputs[1:]], node)
            outs = [None] * len(node.outputs)
        else:
            outs = self.find(node.bodies[0], [v.open if v.use == ON else None for v in node.inputs], node)
        for value, began in zip(node.outputs, outs, strict=True):
            self._continue(value, began)

    def _scan(self, node: Node) -> list[Node | None]:
        constants, carries = scan_parts(node)
        body = node.bodies[0]
        handed = [v.open if v.use == ON else None for v in node.inputs[constants : constants + carries]]
        alone = [None] * (len(body.inputs) - constants - carries)
        while True:
            outs = self.find(body, [None] * constants + handed + alone, node)
            found = [
                before or (after if value.use == ON else None)
                for before, after, value in zip(handed, outs[:carries], body.inputs[constants:], strict=False)
            ]
            if found == handed:
                return outs[:carries] + [None] * (len(outs) - carries)
            handed = found


def read_signals(node: Node) -> list[Value]:
    """The operands that an operation hands relevance to: a whole layer, or activation, reads where it begins."""
    if not any(v.use and v.facts.depends for v in node.outputs):
        return []
    match node.action:
        case Activate(_, source, _):
            return [source]
        case LayerRule(_, product, signal, _):
            return [product.inputs[signal]]
    return list(dict.fromkeys(v for v in node.inputs if v.facts.depends))


def kind_of_sum(node: Node) -> str:
    """The kind of the sum that an operation begins, as composites name it."""
    if node.name in P.BILINEAR:
        if sum(v.facts.depends for v in node.inputs) == 2:
            return "attention"
        layer = node.name in ("conv_general_dilated", "dot_general") and not node.weights
        if layer and not any(v.is_complex for v in (*node.inputs, *node.outputs)):
            return "conv" if node.name == "conv_general_dilated" else "dense"
    return "sum"


def _reads(user: Node, value: Value, product: Node) -> bool:
    """Whether what a node does to `value` depends on the values of the layer that `product` begins."""
    seen: set[Value] = set()
    waiting = [v for v in user.inputs if v is not value]
    while waiting:
        node = waiting.pop().node
        if node is None or node.index < product.index:
            continue
        if node is product or node.absorbed:
            return True
        fresh = [v for v in node.inputs if v not in seen]
        seen.update(fresh)
        waiting += fresh
    return False


def _is_affine(node: Node, value: Value) -> bool:
    """Whether a node does to `value` what a bias or a batch norm does, or moves all of it elsewhere."""
    if node.action is not None:
        return False
    if node.name in P.MOVEMENT or node.name in ("neg", "broadcast_in_dim"):
        return len(node.outputs) == 1 and node.outputs[0].size == value.size
    if node.name not in ("add", "sub", "add_any", "mul", "div") or node.outputs[0].shape != value.shape:
        return False
    if any(v.facts.depends for v in node.inputs if v is not value):
        return False
    return node.name != "div" or node.inputs[0] is value
