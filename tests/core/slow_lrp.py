"""LRP a second time: layer by layer, from Jacobians, in relevance instead of density. Slow and plain.

A network is a list of layers, each a function and the rule for it. Relevance is a numpy array of the layer's
output; every function here takes it to the layer's input by the sums of Eqs. 20 and 21, written out.
"""

import jax
import numpy as np


def contributions(linear, x):
    """m[j, i] = x_i w_ij: what input i adds to output j of a layer without its bias."""
    jacobian = np.asarray(jax.jacobian(linear)(x)).reshape(-1, x.size)
    return jacobian * np.asarray(x).reshape(1, -1)


def epsilon(layer, x, r, eps):
    """Eq. 20; z includes everything that the layer adds."""
    z = np.asarray(layer(x)).ravel()
    m = contributions(layer, x)
    r_in = np.zeros(x.size)
    for j in range(z.size):
        denominator = z[j] + (eps if z[j] >= 0 else -eps)
        for i in range(x.size):
            if m[j, i] != 0:
                r_in[i] += m[j, i] / denominator * r.ravel()[j]
    return r_in.reshape(x.shape)


def alpha_beta(layer, x, r, alpha, bias):
    """Eq. 21; `bias` says whether the layer's constant part counts in z^+ and z^-."""
    m = contributions(layer, x)
    b = np.asarray(layer(x)).ravel() - m.sum(axis=1)
    r_in = np.zeros(x.size)
    for j in range(m.shape[0]):
        plus = m[j][m[j] > 0].sum() + (max(b[j], 0) if bias else 0)
        minus = m[j][m[j] < 0].sum() + (min(b[j], 0) if bias else 0)
        for i in range(x.size):
            if m[j, i] > 0 and plus != 0:
                r_in[i] += (1 + alpha) * m[j, i] / plus * r.ravel()[j]
            if m[j, i] < 0 and minus != 0:
                r_in[i] -= alpha * m[j, i] / minus * r.ravel()[j]
    return r_in.reshape(x.shape)


def unchanged(layer, x, r):
    """An elementwise activation: relevance passes, except where the value it is carried by is 0."""
    y = np.asarray(layer(x))
    return np.where((np.asarray(x) != 0) & (y != 0), r, 0)


def winner(layer, x, r):
    """Pooling by the maximum: all relevance to the element that was taken, found by its Jacobian."""
    jacobian = np.asarray(jax.jacobian(layer)(x)).reshape(-1, x.size)
    return (jacobian.T @ r.ravel()).reshape(x.shape)


def explain(network, x, r=None):
    """Takes the relevance of the network's output (by default the output) back to `x`."""
    values = [x]
    for layer, _ in network:
        values.append(layer(values[-1]))
    r = np.asarray(values[-1]) if r is None else r
    for (layer, rule), value in zip(reversed(network), reversed(values[:-1]), strict=True):
        r = rule(layer, value, r)
    return r


def shared(layer, x, r, weigh):
    """R_i = sum_j R_j w'_ji / sum_k w'_jk with weights that `weigh` makes of x and the layer's Jacobian [j, i]."""
    jacobian = np.asarray(jax.jacobian(layer)(x)).reshape(-1, x.size)
    weights = weigh(np.asarray(x).ravel(), jacobian)
    r_in = np.zeros(x.size)
    for j in range(len(weights)):
        total = weights[j].sum()
        if total != 0:
            r_in += weights[j] / total * r.ravel()[j]
    return r_in.reshape(x.shape)


def w_square(layer, x, r):
    return shared(layer, x, r, lambda x, w: w**2)


def flat(layer, x, r):
    """Every input that an output sees counts the same; on a dense or convolutional layer those of weight not 0."""
    return shared(layer, x, r, lambda x, w: (w != 0).astype(float))


def z_box(layer, x, r, low, high):
    return shared(layer, x, r, lambda x, w: x * w - low * np.maximum(w, 0) - high * np.minimum(w, 0))


def gamma(layer, x, r, gamma, bias):
    """Generalised: for each output its own sign is favoured."""
    m = contributions(layer, x)
    y = np.asarray(layer(x)).ravel()
    b = (y - m.sum(axis=1)) if bias else np.zeros(len(y))
    r_in = np.zeros(x.size)
    for j in range(len(y)):
        favoured = np.maximum if y[j] > 0 else np.minimum
        weights = m[j] + gamma * favoured(m[j], 0)
        total = weights.sum() + b[j] + gamma * favoured(b[j], 0)
        if total != 0 and y[j] != 0:
            r_in += weights / total * r.ravel()[j]
    return r_in.reshape(x.shape)


def pool_proportionally(layer, x, r, window):
    """Max pooling [h, w, c] without overlap: the window's elements share as in a sum."""
    h, w, _ = r.shape
    r_in = np.zeros(x.shape)
    for i in range(h):
        for j in range(w):
            part = np.s_[i * window : (i + 1) * window, j * window : (j + 1) * window]
            total = np.asarray(x[part]).sum(axis=(0, 1))
            r_in[part] = np.asarray(x[part]) / np.where(total == 0, 1, total) * r[i, j] * (total != 0)
    return r_in
