"""Random weights for a Flax module, and the same in torch."""

import jax
import numpy as np
import torch


def random_variables(module, x, seed=0):
    """Variables of a Flax module for input x, none of them at 0 or 1; batch norms scale with both signs."""
    generator = np.random.default_rng(seed)
    shapes = jax.eval_shape(module.init, jax.random.key(0), x)
    batch_norms = shapes.get("batch_stats", {})

    def draw(path, leaf):
        normal = generator.standard_normal(leaf.shape)
        *_, owner, name = (p.key for p in path)
        if name == "kernel":
            # Projections into heads are [D, heads, D / heads]; everything else has the outputs on the last axis.
            inputs = leaf.shape[0] if owner in ("query", "key", "value") else np.prod(leaf.shape[:-1])
            return normal * np.sqrt(1.5 / inputs)
        if name == "var":
            return 0.5 + generator.random(leaf.shape)
        if name == "scale":
            return np.sign(normal) * (0.5 + np.abs(normal)) if owner in batch_norms else 1 + 0.3 * normal
        return 0.3 * normal

    return jax.tree_util.tree_map_with_path(draw, shapes)


def with_weights(module, variables):
    """The torch module with the weights of its Flax twin: kernels transposed, all else as it is."""
    module = module.double().eval()
    parameters, statistics = variables["params"], variables.get("batch_stats", {})
    with torch.no_grad():
        for name, leaves in parameters.items():
            layer = getattr(module, name)
            if "kernel" in leaves:
                kernel = leaves["kernel"]
                layer.weight.copy_(torch.tensor(kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T))
            else:
                layer.weight.copy_(torch.tensor(leaves["scale"]))
                layer.running_mean.copy_(torch.tensor(statistics[name]["mean"]))
                layer.running_var.copy_(torch.tensor(statistics[name]["var"]))
            layer.bias.copy_(torch.tensor(leaves["bias"]))
    return module


def tensors(variables):
    """The parameters as torch tensors, in the same nested dictionaries."""
    return jax.tree.map(torch.tensor, variables["params"])
