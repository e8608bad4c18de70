"""Quantus' metrics for JAX models. Needs `pip install "lrp_jax[quantus]"`; nothing else here imports this module.

Quantus supports models of PyTorch and TensorFlow. `JaxModel` implements the small interface that metrics use;
`for_jax` makes a metric accept it, and `quantus_explain_func` converts an explanation to Quantus' interface.

    model = JaxModel(lambda params, x: net.apply(params, x), params)
    explain = quantus_explain_func(lambda f, x, target: jax.grad(lrp_jax.lrp(lambda x: f(x)[target]))(x))
    metric = for_jax(quantus.FaithfulnessCorrelation)(nr_runs=50)
    metric(model, images, labels, a_batch=None, s_batch=None, explain_func=explain, channel_first=False, softmax=False)

Reference:
  Hedström et al., Quantus: an explainable AI toolkit for responsible evaluation of neural network explanations and
  beyond, JMLR 2023. Written for quantus 0.6.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

try:
    from quantus.helpers.model.model_interface import ModelInterface
    from quantus.helpers.utils import infer_channel_first, make_channel_first
    from quantus.metrics.base import Metric
except ModuleNotFoundError as error:
    if error.name != "quantus":
        raise
    raise ModuleNotFoundError('quantus is not installed; pip install "lrp_jax[quantus]"', name="quantus") from error

Apply = Callable[[Any, Float[Array, "B ..."]], Float[Array, "B classes"]]


class JaxModel(ModelInterface):
    """A function of parameters and inputs as a Quantus model.

    Quantus converts all inputs to [B, C, ...]; they are converted back here.

    Args:
      apply: (params, inputs [B, ...]) -> logits [B, classes], traceable.
      params: any pytree.
      channels_last: whether `apply` expects [B, H, W, C], like Flax, or [B, C, H, W]. Inputs [B, n] are the same in
        both cases.
      softmax: whether `predict` returns probabilities; metrics set it by their own `softmax`.
      layers: names of the layers from input to output, as `jax.tree_util.keystr` writes the paths of their parameters
        (separated by "/"), for metrics that randomise them one after the other; default: in the order of the tree,
        which is alphabetical.
      hidden: (params, inputs) -> the hidden representation [B, ...] for metrics that use one.
    """

    def __init__(
        self,
        apply: Apply,
        params: Any,
        *,
        channels_last: bool = True,
        softmax: bool = False,
        layers: Sequence[str] | None = None,
        hidden: Callable[[Any, Array], Array] | None = None,
    ):
        super().__init__(model=apply, channel_first=True, softmax=softmax)
        self.apply, self.params, self.channels_last, self.hidden = apply, params, channels_last, hidden
        known = list(dict.fromkeys(_layer(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)))
        self.layers = known if layers is None else list(layers)
        if unknown := [name for name in self.layers if name not in known]:
            raise ValueError(f"got layer {unknown[0]!r}; wanted some of {', '.join(known)}")

    def replace(self, **changes: Any) -> "JaxModel":
        """A copy of the model with some attributes changed."""
        now = {name: getattr(self, name) for name in ("channels_last", "softmax", "layers", "hidden")}
        return JaxModel(**({"apply": self.apply, "params": self.params} | now | changes))

    def own(self, x: np.ndarray) -> Float[Array, "B ..."]:
        """Inputs [B, C, ...] in the layout of `apply`."""
        return jnp.moveaxis(jnp.asarray(x), 1, -1) if self.channels_last and np.ndim(x) > 2 else jnp.asarray(x)

    def predict(self, x: np.ndarray, **kwargs: Any) -> np.ndarray:
        """The scores [B, classes] of inputs [B, C, ...]."""
        del kwargs
        scores = _apply(self.apply, self.params, self.own(x))
        return np.asarray(jax.nn.softmax(scores) if self.softmax else scores)

    def shape_input(
        self, x: np.ndarray, shape: tuple[int, ...], channel_first: bool | None = None, batched: bool = False
    ) -> np.ndarray:
        """Inputs of any layout, or one input, as a batch [B, C, ...]."""
        x = x.reshape(shape) if batched else x.reshape(1, *shape)
        if x.ndim < 3:
            return x
        return make_channel_first(x, infer_channel_first(x) if channel_first is None else channel_first)

    def get_model(self) -> "JaxModel":
        """The model that is passed to explanation functions: this object."""
        return self

    def get_softmax_arg_model(self) -> "JaxModel":
        """This model; `predict` already uses `softmax`."""
        return self

    def state_dict(self) -> Any:
        """The parameters."""
        return self.params

    @property
    def random_layer_generator_length(self) -> int:
        """The number of layers that can be randomised."""
        return len(self.layers)

    def get_random_layer_generator(self, order: str = "top_down", seed: int = 42) -> Iterator[tuple[str, "JaxModel"]]:
        """Models with more and more layers randomised, from output to input ("top_down") or from input to output
        ("bottom_up"), or with one layer each ("independent"). The values of each parameter are shuffled, which keeps
        their distribution."""
        if order not in ("top_down", "bottom_up", "independent"):
            raise ValueError(f"got order={order!r}, wanted top_down, bottom_up or independent")
        params = self.params
        for name in self.layers[::-1] if order == "top_down" else self.layers:
            params = _shuffled(self.params if order == "independent" else params, name, seed)
            yield name, self.replace(params=params)

    def add_mean_shift_to_first_layer(self, input_shift: float | np.ndarray, shape: tuple[int, ...]) -> "JaxModel":
        """The model for shifted inputs, f(x - shift), which is equivalent to another bias of the first layer."""
        del shape
        return self.replace(apply=lambda params, x: self.apply(params, x - input_shift))

    def get_hidden_representations(
        self, x: np.ndarray, layer_names: list[str] | None = None, layer_indices: list[int] | None = None
    ) -> np.ndarray:
        """The output of `hidden` for inputs [B, C, ...], flattened to [B, n].

        Raises:
          ValueError: the model has no `hidden`.
        """
        del layer_names, layer_indices  # `hidden` determines the layer
        if self.hidden is None:
            raise ValueError("got a JaxModel without hidden=, which this metric looks at; pass (params, x) -> [B, ...]")
        return np.asarray(_apply(self.hidden, self.params, self.own(x))).reshape(len(x), -1)


def quantus_explain_func(
    explain: Callable[[Callable[[Array], Array], Array, Array], Array],
) -> Callable[..., np.ndarray]:
    """An explanation as Quantus' `explain_func`: (model, inputs, targets, **kwargs) -> attributions.

    Args:
      explain: (f, input, target) -> relevance of the input's shape, or without its channels; f: input -> scores
        [classes] is the model with its current parameters, so that metrics which randomise them work. Traced under jit
        and vmap.

    Returns:
      A function that takes a `JaxModel`, inputs [B, C, ...] and targets [B]. Relevance of images is summed over the
      channels: [B, H, W].
    """

    @functools.partial(jax.jit, static_argnums=0)
    def maps(apply: Apply, params: Any, inputs: Float[Array, "B ..."], targets: Int[Array, " B"]) -> Array:
        return jax.vmap(lambda x, target: explain(lambda x: apply(params, x[None])[0], x, target))(inputs, targets)

    def explain_func(model: JaxModel, inputs: np.ndarray, targets: np.ndarray, **kwargs: Any) -> np.ndarray:
        del kwargs  # for example a device
        if not isinstance(model, JaxModel):
            raise TypeError(f"got a model of type {type(model).__name__}, wanted a JaxModel; see for_jax")
        found = np.asarray(maps(model.apply, model.params, model.own(inputs), jnp.asarray(targets)))
        return found.sum(axis=-1 if model.channels_last else 1) if found.ndim == 4 else found

    return explain_func


def for_jax(metric: type[Metric]) -> type[Metric]:
    """A metric of Quantus that accepts a `JaxModel`; everything else is used as Quantus documents it.

    Not supported: `EfficientMPRT`, which wraps models a second time as those of PyTorch or TensorFlow.
    """

    class ForJax(metric):
        """The metric without Quantus' wrapping of the model as one of PyTorch or TensorFlow."""

        def general_preprocess(self, model, softmax=None, **rest):
            if not isinstance(model, JaxModel):
                raise TypeError(f"got a model of type {type(model).__name__}, wanted a JaxModel")
            self._jax_model = model if softmax is None else model.replace(softmax=softmax)
            return super().general_preprocess(model=None, softmax=softmax, **rest)

        def custom_preprocess(self, **data):
            data["model"] = self._jax_model
            return {"model": self._jax_model} | (super().custom_preprocess(**data) or {})

    ForJax.__name__ = ForJax.__qualname__ = metric.__name__
    return ForJax


@functools.partial(jax.jit, static_argnums=0)
def _apply(function: Callable, params: Any, x: Array) -> Array:
    return function(params, x)


def _layer(path: tuple) -> str:
    """The layer of a parameter: its path without its own name."""
    return jax.tree_util.keystr(path[:-1], simple=True, separator="/")


def _shuffled(params: Any, layer: str, seed: int) -> Any:
    rng = np.random.default_rng(seed)

    def shuffle(path, leaf):
        if _layer(path) != layer:
            return leaf
        return jnp.asarray(rng.permutation(np.asarray(leaf).ravel()).reshape(np.shape(leaf)))

    return jax.tree_util.tree_map_with_path(shuffle, params)
