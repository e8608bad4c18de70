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
