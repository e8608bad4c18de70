"""Ada-LSTM written in torch: a training step of cross-entropy, and greedy captions of a batch.

Everything that does not depend on the previous word is computed for all words at once, as in lrp_jax.
"""

import pathlib
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

PAD, START, END = 0, 1, 2  # lrp_jax.captions.models.decoding


class AdaLSTM(nn.Module):
    """Parameter names of the paper's authors without dots; equations as in lrp_jax.captions.models.ada_lstm."""

    def __init__(self, arrays: dict[str, torch.Tensor]):
        super().__init__()
        for name, array in arrays.items():
            self.register_parameter(_plain(name), nn.Parameter(array))

    def dense(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias", None))

    def cell(self, name: str, x: torch.Tensor, state: tuple) -> tuple:
        weights = [getattr(self, f"{name}_{kind}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        return torch.lstm_cell(x, state, *weights)

    def start(self, features):
        regions = F.relu(F.linear(features, self.img_projector_weight[:, :, 0, 0], self.img_projector_bias))
        zero = regions.new_zeros(len(features), regions.shape[-1])
        image = regions, regions.mean(1), self.dense("AdaAttention_W_v_proj", regions)
        return image, ((zero, zero), (zero, zero))

    def step(self, image, state, embedding):
        (regions, mean, projected), (decoder, language) = image, state
        x1 = torch.cat([language[0], mean, embedding], 1)
        new = self.cell("AdaLSTM_lstm_cell", x1, decoder)
        gate = torch.sigmoid(self.dense("AdaLSTM_x_gate", x1) + self.dense("AdaLSTM_h_gate", decoder[0]))
        sentinel = gate * torch.tanh(new[1])
        query = self.dense("AdaAttention_W_g_proj", new[0])
        a = self.dense("AdaAttention_w_h", torch.tanh(projected + query[:, None]))[..., 0]
        b = self.dense("AdaAttention_w_h", torch.tanh(self.dense("AdaAttention_W_s_proj", sentinel) + query))
        beta = torch.softmax(torch.cat([a, b], 1), 1)[:, -1:]
        attended = torch.bmm(torch.softmax(a, 1)[:, None], regions)[:, 0]
        context = (1 - beta) * attended + beta * sentinel
        language = self.cell("LanguageLSTM", torch.cat([context, new[0]], 1), language)
        return context + language[0], (new, language)

    def forward(self, features, words, dropout=0.0):
        image, state = self.start(features)
        said = []
        for embedding in F.embedding(words, self.embedding_weight).unbind(1):
            both, state = self.step(image, state, embedding)
            said.append(both)
        return self.dense("fc", F.dropout(torch.stack(said, 1), dropout))

    def greedy(self, features, length):
        image, state = self.start(features)
        words, tokens = torch.full((len(features),), START), []
        for _ in range(length):
            both, state = self.step(image, state, F.embedding(words, self.embedding_weight))
            words = self.dense("fc", both).argmax(1)
            tokens.append(words)
        return torch.stack(tokens, 1)


def _plain(name: str) -> str:
    return name.replace(".", "_")


def training_ways(folder: str) -> dict[str, Callable]:
    """A step on batch.npz, like that of train.py: dropout, gradients clipped at 0.1, Adam."""
    model, batch = _model(folder), np.load(pathlib.Path(folder) / "batch.npz")
    features, inputs, targets = (torch.from_numpy(batch[name]) for name in ("features", "inputs", "targets"))
    inputs, targets = inputs.long(), targets.long()
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-4, betas=(0.8, 0.999))

    def loss(dropout):
        return F.cross_entropy(model(features, inputs, dropout).flatten(0, 1), targets.flatten(), ignore_index=PAD)

    def step():
        optimiser.zero_grad()
        loss(0.5).backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.1)
        optimiser.step()

    with torch.no_grad():
        first = loss(0.0).numpy()
    return {"cross-entropy": step, "_loss": lambda: first}


def decoding_ways(folder: str, images: int, length: int) -> dict[str, Callable]:
    """Greedy captions of features.npy."""
    model = _model(folder)
    features = torch.from_numpy(np.load(pathlib.Path(folder) / "features.npy"))[:images]

    def greedy():
        with torch.inference_mode():
            return model.greedy(features, length).numpy()

    return {"greedy, together": greedy}


def _model(folder: str) -> AdaLSTM:
    return AdaLSTM(load_file(pathlib.Path(folder) / "captioner.safetensors"))
