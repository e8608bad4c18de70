"""Explain an NNX ResNet: batch norm, residuals, average pooling.

After this page you can explain a residual network written in Flax NNX, choose a composite for it, and check that
relevance is neither lost nor counted twice at a residual sum.

Run it with `python docs/howto/nnx_resnet.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from flax.errors import TraceContextError
from jax.ad_checkpoint import checkpoint_name

import lrp_jax

# The network
# -----------
#
# This is an ordinary residual network with two blocks, the second of which halves the image and projects its skip
# connection. `checkpoint_name` is an identity with which JAX names a value. Below it gives us the relevance of the two
# paths through a block; explaining the network does not need it.


class Block(nnx.Module):
    def __init__(self, inputs, outputs, strides, rngs):
        self.first = nnx.Conv(inputs, outputs, (3, 3), strides, use_bias=False, rngs=rngs)
        self.first_norm = nnx.BatchNorm(outputs, momentum=0.5, rngs=rngs)
        self.second = nnx.Conv(outputs, outputs, (3, 3), use_bias=False, rngs=rngs)
        self.second_norm = nnx.BatchNorm(outputs, momentum=0.5, rngs=rngs)
        same = inputs == outputs and strides == 1
        self.project = None if same else nnx.Conv(inputs, outputs, (1, 1), strides, rngs=rngs)

    def __call__(self, x):
        branch, skip = checkpoint_name(x, "branch"), checkpoint_name(x, "skip")
        h = nnx.relu(self.first_norm(self.first(branch)))
        h = self.second_norm(self.second(h))
        return checkpoint_name(nnx.relu(h + (skip if self.project is None else self.project(skip))), "block")


class ResNet(nnx.Module):
    def __init__(self, rngs):
        self.stem = nnx.Conv(3, 8, (3, 3), rngs=rngs)
        self.stem_norm = nnx.BatchNorm(8, momentum=0.5, rngs=rngs)
        self.blocks = nnx.List([Block(8, 8, 1, rngs), Block(8, 12, 2, rngs)])
        self.head = nnx.Linear(12, 5, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.stem_norm(self.stem(x)))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(axis=(1, 2)))


key = jax.random.key(0, impl="unsafe_rbg")  # compiles much faster than the default generator
model = nnx.jit(lambda: ResNet(nnx.Rngs(key)))()

# The weights are random, because this page is about the flow of relevance and not about the meaning of maps. But the
# batch norms need statistics to have an effect: a few batches in training mode set them.

random = np.random.default_rng(0)
images = random.uniform(0, 1, (16, 12, 12, 3)).astype(np.float32)
watch = nnx.jit(lambda model, images: model(images))
for _ in range(8):
    watch(model, images)

# Explain
# -------
#
# Switch to inference mode before you explain. In training mode a batch norm divides by the deviation of the batch,
# which is another signal; in inference it is a scale and a shift, and belongs to the convolution before it. It does
# not have to be folded into the weights by hand.

model.eval()
image = images[0].copy()
image[:4] = 0  # a black bar
image = jnp.asarray(image)
logits = nnx.jit(model)(image[None])[0]
target = int(logits.argmax())


def f(image):
    return model(image[None])[0, target]


# A composite is a table of rules; the first line that fits an operation decides. Print it to see its rules.

print(lrp_jax.EpsilonPlusFlat)
print()
composites = [lrp_jax.EpsilonPlus, lrp_jax.EpsilonPlusFlat, lrp_jax.EpsilonAlpha2Beta1, lrp_jax.EpsilonGammaBox(0, 1)]

# Each of them gives relevance of the shape of the image. The table shows its sum, the part on the black bar,
# and the relevance against the class (as a fraction of the logit).

print(f"{'composite':<20} {'sum':>8} {'on black':>9} {'against':>8}   of a logit of {logits[target]:.3f}")
maps = {}
for rules in composites:
    maps[rules.name] = r = np.asarray(jax.jit(jax.grad(lrp_jax.lrp(f, rules)))(image))
    against = np.maximum(-r, 0).sum() / float(logits[target])
    print(f"{rules.name:<20} {r.sum():>8.3f} {r[:4].sum():>9.3f} {against:>8.3f}")
    assert r.shape == image.shape
    assert np.isfinite(r).all()

# Interpretation: EpsilonPlus multiplies by the input, so black pixels have no relevance, even if the network uses
# them. The flat and the z-box rule on the first layer do not multiply by it, and are exact there. Alpha2-beta1 also
# shows evidence against the class, and is the noisiest. The sums differ from the logit by the relevance of biases and
# batch norms, which also contribute to a class.

assert np.all(maps["EpsilonPlus"][:4] == 0)
assert np.all(maps["EpsilonPlusFlat"][:3] != 0)
assert np.abs(maps["EpsilonGammaBox"][:3]).max() > 0

# Conservation through residuals
# ------------------------------
#
# This composite conserves relevance: the denominators of the convolutions exclude biases, epsilon is tiny, and the flat
# rule handles black pixels (which cannot get relevance under the other rules). Only the bias of the head remains, which
# is zero in a new network. So the relevance of the image is the logit, except for about a per cent that stops at units
# that are not zero although they have no positive contributions, as the audit shows.

CONSERVING = lrp_jax.Composite(
    "CONSERVING",
    (
        lrp_jax.On("conv", lrp_jax.Flat(), position="first"),
        lrp_jax.On("conv", lrp_jax.AlphaBeta(alpha=0.0, bias=False)),
        *lrp_jax.EpsilonPlus.lines,
    ),
)
value, r, places = jax.jit(lrp_jax.relevance_at(f, ["branch", "skip", "block"], CONSERVING))(image)
print(f"\nlogit {value:.4f}, relevance of the image {r.sum():.4f}")
assert abs(r.sum() - value) < 0.02 * abs(value)

# The relevance of a block is divided between its branch and its skip connection, and their parts add up. A library
# that hooks modules does not see a plus sign, and needs a module instead of it for a correct result.

for i in range(2):
    branch, skip, block = (float(places[name][i].sum()) for name in ("branch", "skip", "block"))
    print(f"block {i}: branch {branch:+.4f} and skip {skip:+.4f} make {branch + skip:.4f} of {block:.4f}")
    assert abs(branch + skip - block) < 0.02 * abs(block)

# What can go wrong
# -----------------
#
# - The model is still in training mode. Its batch norms then try to update their statistics inside the function, which
#   Flax refuses with an error about trace levels: call `model.eval()`.
# - The composite uses scopes. NNX writes none into the program, so a line with `scope="*/stem/*"` never matches;
#   write `with jax.named_scope("stem"):` where you need a name. Positions ("first", "last") need no names.
# - z-box needs the bounds of the input of the first convolution: after you subtract a mean, they are no longer
#   0 and 1.

model.train()
try:
    jax.eval_shape(lrp_jax.lrp(f), image)
except TraceContextError as error:
    print("\nin training mode:", str(error).partition(" (")[0])
else:
    raise AssertionError("a batch norm in training mode should be refused")
