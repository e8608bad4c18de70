"""Twenty steps of every objective in float64, and one in float32, on some devices:

    python parallel_program.py OUT PROCESSES PROCESS PORT DEVICES

Process 0 writes the losses and the parameters after the last step to OUT, an npz file.
"""

import itertools
import os
import sys

OUT, PROCESSES, PROCESS, PORT, DEVICES = sys.argv[1], *map(int, sys.argv[2:])
flags = [f for f in os.environ.get("XLA_FLAGS", "").split() if "device_count" not in f]
os.environ["XLA_FLAGS"] = " ".join([*flags, f"--xla_force_host_platform_device_count={DEVICES}"])

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

jax.config.update("jax_enable_x64", True)
if PROCESSES > 1:
    jax.distributed.initialize(f"127.0.0.1:{PORT}", PROCESSES, PROCESS)

from lrp_jax.captions.data.batches import CaptionBatches, ImageBatches
from lrp_jax.captions.metrics.cider_tokens import document_frequencies
from lrp_jax.captions.models import AdaLSTM
from lrp_jax.captions.runs.arms import Arm
from lrp_jax.captions.training import create_state, make_optimiser, make_step
from lrp_jax.captions.training.objectives import cross_entropy_objective, lrp_ift_objective, self_critical_objective

STEPS, IMAGES, WORDS, BATCH = 20, 24, 14, 16
captioner = AdaLSTM(WORDS, hidden=6, embedding=4, attention=3, dropout=0.3)
rng = np.random.default_rng(0)
features = np.abs(rng.normal(size=(IMAGES, 3, 5)))
captions = [[rng.integers(4, WORDS, rng.integers(1, 5)).tolist() for _ in range(2)] for _ in range(IMAGES)]
options = {"batch_size": BATCH, "seed": 0, "epochs": 99, "share": (PROCESS, PROCESSES)}
by_caption = CaptionBatches(features, captions, lengths=(5,), **options)
by_image = ImageBatches(features, captions, length=5, **options)
frequencies = document_frequencies(captions, WORDS)
STAGES = {
    "cross_entropy": (cross_entropy_objective(captioner), by_caption),
    "scst": (self_critical_objective(captioner, max_length=5), by_image),
    "lrp_ift": (lrp_ift_objective(captioner, Arm(), (0, 1, 2, 3)), by_caption),
}

mesh = jax.make_mesh((jax.device_count(),), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
everywhere, shared_out = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("data"))
optimiser = make_optimiser(b1=0.8, b2=0.999, clip=0.1)
found = {}
for (stage, (objective, batches)), dtype in itertools.product(STAGES.items(), (jnp.float64, jnp.float32)):
    name = f"{stage}/{jnp.dtype(dtype).name}"
    state = create_state(captioner, optimiser, features[:1], seed=0)
    wide = jax.tree.map(lambda x, dtype=dtype: x.astype(dtype), state.params)
    state = create_state(captioner, optimiser, features[:1], seed=0, params=wide)
    state = jax.jit(lambda s: s, out_shardings=everywhere)(state)
    step = jax.jit(make_step(objective, optimiser), donate_argnums=0, out_shardings=everywhere)
    losses = []
    for index in range(STEPS if dtype == jnp.float64 else 1):
        batch = batches[index]._replace(features=batches[index].features.astype(dtype))
        batch = jax.tree.map(lambda x: jax.make_array_from_process_local_data(shared_out, x), batch)
        state, metrics = step(state, batch, dtype(1e-2), frequencies)
        losses.append(float(metrics["loss"].addressable_data(0)))
    found[f"{name}/losses"] = np.array(losses)
    for path, leaf in jax.tree.leaves_with_path(state.params):
        found[f"{name}/{jax.tree_util.keystr(path)}"] = np.asarray(leaf.addressable_data(0))
if PROCESS == 0:
    np.savez(OUT, **found)
