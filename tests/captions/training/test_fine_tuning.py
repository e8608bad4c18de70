"""The loss of Eq. 31 and its gradient against the goldens, its parts by hand, and every arm."""

import dataclasses
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrp_jax.captions import models
from lrp_jax.captions.models import MHFC, PredictorInputs
from lrp_jax.captions.runs.arms import ARMS, Arm
from lrp_jax.captions.training import cross_entropy, focal_loss, lrp_ift_loss, reweight, self_decoded
from lrp_jax.captions.weights import captioner_from_state_dict
from lrp_jax.captions.words import END, PAD, START

FILES = sorted((pathlib.Path(__file__).parents[2] / "goldens").glob("dec_*.npz"))


def load(path):
    """The arrays of a golden, its captioner and parameters, and the gradient by the same names.

    The file has the gradient of some parameters only; that of the others is NaN here.
    """
    with np.load(path, allow_pickle=False) as file:
        golden = dict(file)
    options = {"num_heads": int(golden["n_head"]) or 8}
    if "_ada_" in path.name:
        options["global_feature"] = "raw" if "_cnn_" in path.name else "projected"
    state = {name.removeprefix("param."): a for name, a in golden.items() if name.startswith("param.")}
    gradient = {name: golden.get(f"ift_grad.{name}", np.full(a.shape, np.nan)) for name, a in state.items()}
    captioner, params = captioner_from_state_dict(state, **options)
    return golden, captioner, params, captioner_from_state_dict(gradient, **options)[1]


CASES = [(path, "float64") for path in FILES] + [(path, "float32") for path in FILES if "_mhfc_bu_" in path.name]


@pytest.mark.parametrize(("path", "dtype"), CASES, ids=lambda case: getattr(case, "stem", case))
def test_goldens(path, dtype):
    bound = {"float64": 1e-9, "float32": 1e-5}[dtype]
    golden, captioner, params, expected = load(path)
    params = jax.tree.map(lambda p: jnp.asarray(p, dtype), params)
    features = jnp.asarray(golden["raw"], dtype)[None]
    caption = golden["caption"][None]
    arm = Arm(ce_share=float(golden["ift_lambda"]))

    @jax.jit
    def loss_and_gradient(params):
        def loss_of(params):
            return lrp_ift_loss(captioner, params, features, caption[:, :-1], caption[:, 1:], arm=arm)

        return jax.value_and_grad(loss_of, has_aux=True)(params)

    (loss, figures), gradient = loss_and_gradient(params)
    np.testing.assert_allclose(loss, golden["ift_loss"], rtol=bound)
    np.testing.assert_allclose(figures["cross_entropy"], golden["ift_loss_ce"], rtol=bound)
    np.testing.assert_allclose(figures["reweighted_cross_entropy"], golden["ift_loss_lrp"], rtol=bound)
    assert figures["reweighted_share"] == 1

    compared = 0
    for (name, ours), wanted in zip(
        jax.tree.leaves_with_path(gradient), map(np.asarray, jax.tree.leaves(expected)), strict=True
    ):
        if np.isnan(wanted).all():
            continue
        assert np.abs(ours - wanted).max() <= bound * np.abs(wanted).max(), name
        compared += 1
    assert compared == sum(name.startswith("ift_grad.") for name in golden) >= 7


@dataclasses.dataclass(frozen=True)
class Small:
    """A captioner of 12 words, its parameters in float64, and a padded batch."""

    captioner: MHFC
    params: dict
    features: jax.Array
    inputs: jax.Array
    targets: jax.Array

    def loss(self, params, **options):
        return lrp_ift_loss(self.captioner, params, self.features, self.inputs, self.targets, **options)

    def states(self, params, key=None):
        trace = models.unroll(self.captioner, params, self.features, self.inputs, dropout_rng=key)
        return jnp.moveaxis(trace.inputs.c, 0, -2), jnp.moveaxis(trace.inputs.h, 0, -2)

    def by_fc(self, loss_of):
        """Value and gradient along the last layer: what goes further back takes long to compile."""
        rest = self.params["params"]

        def of_fc(fc):
            return loss_of({"params": rest | {"fc": fc}})

        return jax.value_and_grad(of_fc)(rest["fc"])


def small(**options):
    captioner = MHFC(12, **({"hidden": 8, "embedding": 6} | options))
    rng = np.random.default_rng(0)
    features = jnp.asarray(np.maximum(rng.normal(size=(3, 4, 5)), 0))
    inputs, targets = rng.integers(4, 12, (3, 5)), rng.integers(4, 12, (3, 5))
    inputs[:, 0], targets[1, 3:], inputs[1, 4:], targets[1, 2] = START, PAD, PAD, END
    shapes = jax.eval_shape(captioner.init, jax.random.key(1), features, inputs)
    params = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape)), shapes)
    return Small(captioner, params, features, jnp.asarray(inputs), jnp.asarray(targets))


def assert_same(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-13), one, other)


def test_the_baseline_is_cross_entropy_training():
    batch = small(dropout=0.5, embedding_dropout=0.3)
    key = jax.random.key(3)

    def plain(params):
        logits = models.logits(batch.captioner, params, batch.features, batch.inputs, dropout_rng=key)
        return cross_entropy(logits, batch.targets)

    def ours(params):
        return batch.loss(params, arm=ARMS["baseline"], dropout_rng=key)[0]

    assert_same(*jax.jit(lambda: (batch.by_fc(ours), batch.by_fc(plain)))())


def test_dropout_falls_on_both_predictions_alike_and_on_the_weights_not_at_all():
    batch = small(dropout=0.5, embedding_dropout=0.3)
    key = jax.random.key(3)

    @jax.jit
    def two_ways():
        params, options = batch.params, {"stop_ids": (5,), "dropout_rng": key}
        still, noisy = batch.states(params), batch.states(params, key)
        _, _, omega_c, omega_h = reweight(batch.captioner, params, PredictorInputs(*still), stop_ids=(5,))
        c, h = omega_c * noisy[0], omega_h * noisy[1]
        masked = batch.captioner.apply(
            params, PredictorInputs(c, h), deterministic=False, method="predict", rngs={"dropout": key}
        )
        return batch.loss(params, arm=ARMS["lambda_0"], **options)[0], cross_entropy(masked, batch.targets)

    assert_same(*two_ways())


def test_where_every_label_is_a_stop_word_both_predictions_are_one():
    """With dropout too: the same features fall out of p and of p-hat."""
    batch = small(dropout=0.5)
    options = {"stop_ids": tuple(range(12)), "dropout_rng": jax.random.key(4)}

    @jax.jit
    def two_ways():
        loss, figures = batch.loss(batch.params, arm=ARMS["lambda_0"], **options)
        return loss, batch.loss(batch.params, arm=ARMS["baseline"], **options)[0], figures["reweighted_share"]

    ours, baseline, share = two_ways()
    assert_same(ours, baseline)
    assert share == 0


def test_shares_and_figures():
    batch = small(dropout=0.5)
    arms = {name: ARMS[name] for name in ("baseline", "lambda_0", "lambda_25", "focal")}

    @jax.jit
    def everything():
        options = {"stop_ids": (5, 9), "dropout_rng": jax.random.key(5)}
        labels = reweight(batch.captioner, batch.params, PredictorInputs(*batch.states(batch.params))).logits.argmax(-1)
        return labels, {name: batch.loss(batch.params, arm=arm, **options) for name, arm in arms.items()}

    labels, found = everything()
    losses = {name: loss for name, (loss, _) in found.items()}
    p, p_hat = losses["baseline"], losses["lambda_0"]
    assert abs(p - p_hat) > 1e-3
    np.testing.assert_allclose(losses["lambda_25"], 0.25 * p + 0.75 * p_hat, rtol=1e-12)
    assert 0 < losses["focal"] < p
    figures = found["lambda_25"][1]
    np.testing.assert_allclose(figures["cross_entropy"], p, rtol=1e-12)
    np.testing.assert_allclose(figures["reweighted_cross_entropy"], p_hat, rtol=1e-12)
    assert found["baseline"][1] == {"cross_entropy": p}
    # Padding is no word, kept or not.
    words = np.asarray(batch.targets) != PAD
    kept = np.isin(labels, (5, 9))
    assert kept[words].any() and not words.all()
    np.testing.assert_allclose(figures["reweighted_share"], 1 - kept[words].mean(), rtol=1e-12)


def test_named_arms_differ():
    assert len(set(ARMS.values())) == len(ARMS) == 12
    assert [name for name, arm in ARMS.items() if not arm.reweights] == ["baseline", "focal"]
    assert ARMS["lrp"] == Arm(**dataclasses.asdict(ARMS["lrp"]))


@pytest.mark.parametrize("name", ["shuffled", "uniform", "target"])
def test_weights_are_constants_in_the_gradient(name):
    """The gradient is that of a loss whose weights were computed beforehand."""
    batch = small()
    arm = dataclasses.replace(ARMS[name], ce_share=0.0)

    @jax.jit
    def two_ways():
        c, h = batch.states(batch.params)
        labels = batch.targets if name == "target" else None
        logits, reweighted, omega_c, omega_h = reweight(
            batch.captioner, batch.params, PredictorInputs(c, h), labels, (5,), arm
        )
        rise = reweighted - logits if name == "uniform" else 0

        def reference(params):
            predicted = batch.captioner.apply(params, PredictorInputs(omega_c * c, omega_h * h), method="predict")
            return cross_entropy(predicted + rise, batch.targets)

        def ours(params):
            return batch.loss(params, arm=arm, stop_ids=(5,))[0]

        return batch.by_fc(ours), batch.by_fc(reference)

    assert_same(*two_ways())


def test_focal_loss_by_hand():
    # p of the targets: 1/2, and 1/3; the last target is padding.
    logits = jnp.log(jnp.array([[[2.0, 1, 1], [1, 1, 1], [9, 1, 1]]]))
    targets = jnp.array([[1, 2, 0]])
    wanted = ((3 / 4) ** 2 * np.log(4) + (2 / 3) ** 2 * np.log(3)) / 2
    assert focal_loss(logits, targets, 2.0) == pytest.approx(wanted)
    assert focal_loss(logits, targets, 0.0) == cross_entropy(logits, targets)
    assert focal_loss(logits, jnp.zeros((1, 3), int), 2.0) == 0
    # A word that is certain to the last bit has no gradient, and not none that is a number.
    sure = jnp.array([[[0.0, 1000.0, 0.0]]])
    gradient = jax.grad(focal_loss)(sure, jnp.array([[1]]), 0.5)
    np.testing.assert_array_equal(gradient, 0)


def test_self_decoded_inputs_are_the_greedy_caption():
    batch = small()
    fc = batch.params["params"]["fc"]
    # Late enough an end for one of the captions to have words.
    params = {"params": batch.params["params"] | {"fc": fc | {"bias": fc["bias"].at[END].set(-6.0)}}}
    said = np.asarray(models.greedy(batch.captioner, params, batch.features, max_length=5))
    lengths = (said != PAD).sum(axis=1)
    assert lengths.max() > 2 and lengths.min() == 1

    @jax.jit
    def decoded():
        inputs, targets = self_decoded(batch.captioner, params, batch.features, batch.targets)
        own = dataclasses.replace(batch, inputs=inputs, targets=targets)
        return inputs, targets, own.loss(params, arm=Arm())[0], batch.loss(params, arm=Arm(inputs="self_decoded"))[0]

    inputs, targets, *losses = decoded()
    for row in range(3):
        words = [START, *said[row].tolist()]
        for t in range(5):
            over = END in words[: t + 1]
            assert inputs[row, t] == (PAD if over else words[t])
            assert targets[row, t] == (PAD if over else batch.targets[row, t])
    assert_same(*losses)
