"""Condition on a channel: relevance inside a network, and through a part of it only.

After this page you can read the relevance of hidden values, restrict an explanation to one channel or one attention
head, compute the relevance of parameters, and explain why one class and not another.

Run it with `python docs/howto/condition_on_a_channel.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax.ad_checkpoint import checkpoint_name

import lrp_jax
from lrp_jax import EpsilonPlus

# A network whose channels we know
# --------------------------------
#
# Three detectors for lines: vertical, horizontal, diagonal. Three classes: 0 for a vertical line, 1 for a horizontal
# one, 2 for both. The image has both, in different places.

VERTICAL = np.array([[-1, 2, -1]] * 3) / 6
KERNEL = np.stack([VERTICAL, VERTICAL.T, (3 * np.eye(3) - 1) / 6], axis=-1)[:, :, None]


class Lines(nn.Module):
    @nn.compact
    def __call__(self, image):
        h = nn.relu(nn.Conv(3, (3, 3), name="detectors")(image))
        return nn.Dense(3, use_bias=False, name="head")(h.sum(axis=(0, 1)))


params = {
    "params": {
        "detectors": {"kernel": jnp.asarray(KERNEL, jnp.float32), "bias": jnp.full(3, -0.4)},
        "head": {"kernel": jnp.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.5]])},
    }
}
drawn = np.zeros((10, 12, 1), np.float32)
drawn[1:7, 2] = drawn[8, 5:11] = 1
on_vertical, on_horizontal = np.zeros((2, 10, 12), bool)
on_vertical[1:7, 2] = on_horizontal[8, 5:11] = True
image = jnp.asarray(drawn)


def both(image):
    return Lines().apply(params, image)[2]


# Look inside
# -----------
#
# `relevance_at` returns the relevance of the input and, from the same backward pass, that of named places. Linen
# names them by module path; elsewhere use `jax.named_scope` or `checkpoint_name`. The argument may be a glob; the
# result has the full names. Summed over the image it is the relevance of each channel.

value, r, places = jax.jit(lrp_jax.relevance_at(both, "*/detectors", EpsilonPlus))(image)
by_channel = np.asarray(places["Lines/detectors"])
print(f"logit {value:.2f}, relevance of the channels {by_channel.sum(axis=(0, 1)).round(2)}")
assert by_channel.shape == (10, 12, 3)
assert np.isclose(by_channel.sum(), value, rtol=1e-3)
assert np.all(by_channel[..., 2] == 0)  # there is no diagonal line

# Through one channel
# -------------------
#
# A mask multiplies the relevance that arrives at a place, before it is propagated further. With only one channel kept,
# the map of the image is the relevance through that channel: concept relevance propagation. A mask has any shape that
# broadcasts against the value, so [channels] here, or [height, width, 1] for one position.


@jax.jit
def through(mask):
    return jax.grad(lrp_jax.lrp(both, EpsilonPlus, masks={"*/detectors": mask}))(image)[..., 0]


maps = [np.asarray(through(mask)) for mask in jnp.eye(3)]


def show(*maps):
    """Prints maps side by side, as text: # for much relevance, + for less."""
    top = max(np.abs(m).max() for m in maps)
    for rows in zip(*maps, strict=True):
        print("   ".join("".join(".+#"[int(abs(v) > 0.05 * top) + int(abs(v) > 0.5 * top)] for v in r) for r in rows))


print("\nall channels   vertical       horizontal")
show(np.asarray(r)[..., 0], maps[0], maps[1])
assert maps[0][on_vertical].sum() > 0.99 * maps[0].sum() > 0
assert maps[1][on_horizontal].sum() > 0.99 * maps[1].sum() > 0

# Relevance is linear in the relevance that is propagated, so the explanations through the channels add up to the whole.

assert np.allclose(sum(maps), np.asarray(r)[..., 0], atol=1e-4 * float(value))

# Through one head
# ----------------
#
# Flax's attention module takes the attention function as an argument, so a value can be named without changing the
# module. The function returns [tokens, heads, features]; a mask [heads, 1] selects heads.


def named_attention(*args, **kwargs):
    return checkpoint_name(nn.dot_product_attention(*args, **kwargs), "heads")


attention = nn.MultiHeadDotProductAttention(num_heads=2, attention_fn=named_attention)
tokens = jnp.asarray(np.random.default_rng(0).normal(size=(5, 8)), jnp.float32)
weights = jax.jit(attention.init)(jax.random.key(0), tokens)


@jax.jit
def through_heads(mask):
    def last_token(tokens):
        return attention.apply(weights, tokens)[-1, 0]

    return lrp_jax.relevance_at(last_token, "heads", lrp_jax.CP_LRP, masks={"heads": mask})(tokens)


_, whole, places = through_heads(jnp.ones((2, 1)))
parts = [through_heads(mask)[1] for mask in jnp.eye(2)[..., None]]
print("\nrelevance of the heads:", np.asarray(places["heads"]).sum(axis=(0, 2)).round(3))
print("of the tokens, through head 0:", np.asarray(parts[0]).sum(axis=1).round(3))
print("of the tokens, through head 1:", np.asarray(parts[1]).sum(axis=1).round(3))
assert places["heads"].shape == (5, 2, 4)
assert np.allclose(parts[0] + parts[1], whole, atol=1e-4 * np.abs(whole).max())

# Parameters
# ----------
#
# `parameter_relevance` returns the relevance that passes through each weight. Weights without relevance can be removed:
# here the detector for diagonals, for this image. (For real pruning, use the mean over many images.)

score = jax.jit(lrp_jax.parameter_relevance(lambda params, image: Lines().apply(params, image)[2], EpsilonPlus))
_, by_weight = score(params, image)
by_filter = np.abs(by_weight["params"]["detectors"]["kernel"]).sum(axis=(0, 1, 2))
print("\nrelevance that passes each filter:", by_filter.round(2))
assert by_filter.shape == (3,)


def without(channel):
    detectors = {name: leaf.at[..., channel].set(0) for name, leaf in params["params"]["detectors"].items()}
    return float(Lines().apply({"params": params["params"] | {"detectors": detectors}}, image)[2])


print(f"the logit {value:.2f} becomes", ", ".join(f"{without(i):.2f}" for i in range(3)), "without each of them")
assert by_filter.argmin() == 2
assert np.isclose(without(2), value)
assert without(int(by_filter.argmax())) < 0.7 * value

# Why this class and not that
# ---------------------------
#
# The map for "both" shows both lines. Against "vertical", the evidence for both classes cancels, and the horizontal
# line is left: the reason why it is not only a vertical line. This seed gives z to the class and -z to the other one.


def logits(image):
    return Lines().apply(params, image)


seed = lrp_jax.contrastive_seed(logits(image), target=2, against=0)
_, contrast = jax.jit(lrp_jax.relevance(logits, EpsilonPlus))(image, seed=seed)
contrast = np.asarray(contrast)[..., 0]
print("\nboth, and not only a vertical line")
show(contrast)
assert np.abs(contrast[on_vertical]).sum() < 0.01 * contrast[on_horizontal].sum()

# What can go wrong
# -----------------
#
# - A name at which there is no relevance: a `NoPlaceError` lists the existing names. There is no place inside a
#   convolution with its bias and batch norm, or inside gelu; name the value at the end instead.
# - A mask is not a seed: the relevance that it removes is lost, and the rest does not sum to the logit. The audit takes
#   the same `masks` and has a line for it.
# - A conditional map of a channel whose relevance is near zero shows only noise, amplified by its own scale. Draw the
#   maps of all channels on one scale.

report = lrp_jax.audit(both, EpsilonPlus, masks={"*/detectors": jnp.eye(3)[0]})(image)
print(f"\nremoved by the mask: {report.lost['mask']:.2f} of {report.seed:.2f}")
assert np.isclose(report.lost["mask"], by_channel[..., 1:].sum(), rtol=1e-3)
