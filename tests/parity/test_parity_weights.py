"""Weights from torch: what it saves is read where it cannot be imported, and gives the activations that it computes."""

import collections
import json
import pathlib
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn

from lrp_jax.captions import weights
from lrp_jax.captions.models.resnet import EXPANSION

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
KINDS = ("ada_cnn", "ada_bu", "mhfc_cnn", "mhfc_bu")
# Runs where torch is not to be had; the arguments are the checkpoint, the word map, the golden and the answer.
READ_WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import jax; jax.config.update("jax_enable_x64", True)
import numpy as np
from lrp_jax import data, models, weights
path, words, golden, out = sys.argv[1:]
golden = np.load(golden)
vocabulary, rows = data.Vocabulary.from_word_map(words)
checkpoint = weights.captioner_from_checkpoint(weights.read_weights(path), rows=rows, num_heads=int(golden["n_head"]))
ours = np.argsort(rows)  # of each word, by its number in the file
caption = ours[golden["caption"]]
logits = models.logits(checkpoint.captioner, checkpoint.params, golden["raw"].astype(np.float64), caption[:-1])
np.savez(out, logits=np.asarray(logits)[:, ours], encoder=repr(checkpoint.encoder))
"""


def filled(module, seed=0):
    """A module in inference with values that are neither 0 nor 1, batch norms included."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            if tensor.ndim == 4:
                scale = (2 / tensor[0].numel()) ** 0.5
                tensor.copy_(scale * torch.randn(tensor.shape, generator=generator))
            else:
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
    return module.eval()


def vgg16(width):
    """torchvision's `features` up to block5_conv3 and its ReLU."""
    layers, before = [], 3
    for block in ((1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8)):
        for multiple in block:
            layers += [nn.Conv2d(before, multiple * width, 3, padding=1), nn.ReLU()]
            before = multiple * width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(collections.OrderedDict(features=nn.Sequential(*layers[:-1])))


class Fire(nn.Module):
    def __init__(self, before, squeezed, expanded):
        super().__init__()
        self.squeeze = nn.Conv2d(before, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x):
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], dim=1)


class SqueezeNet(nn.Module):
    def __init__(self):
        super().__init__()
        fires = [(64, 16, 64), (128, 16, 64), (128, 32, 128), (256, 32, 128)]
        fires += [(256, 48, 192), (384, 48, 192), (384, 64, 256), (512, 64, 256)]
        fires = [Fire(*channels) for channels in fires]

        def pool():
            return nn.MaxPool2d(3, 2, ceil_mode=True)

        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2), nn.ReLU(), pool(), *fires[:2], pool(), *fires[2:4], pool(), *fires[4:]
        )
        self.classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(512, 5, 1))

    def forward(self, x):
        return self.features(x)


class Bottleneck(nn.Module):
    def __init__(self, before, inside, stride, first):
        super().__init__()
        after = EXPANSION * inside
        self.conv1, self.bn1 = nn.Conv2d(before, inside, 1, bias=False), nn.BatchNorm2d(inside)
        self.conv2, self.bn2 = nn.Conv2d(inside, inside, 3, stride, 1, bias=False), nn.BatchNorm2d(inside)
        self.conv3, self.bn3 = nn.Conv2d(inside, after, 1, bias=False), nn.BatchNorm2d(after)
        self.downsample = nn.Identity()
        if first:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        return (self.bn3(self.conv3(y)) + self.downsample(x)).relu()


class ResNet(nn.Module):
    def __init__(self, blocks, width):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        before = width
        for stage, count in enumerate(blocks):
            inside, layers = width * 2**stage, []
            for i in range(count):
                layers.append(Bottleneck(before, inside, 2 if stage and not i else 1, not i))
                before = EXPANSION * inside
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))

    def forward(self, x):
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


ENCODERS = {
    "vgg16": (lambda: vgg16(8), weights.vgg16_from_state_dict),
    "squeezenet": (SqueezeNet, weights.squeezenet_from_arrays),
    "resnet50": (lambda: ResNet((3, 4, 6, 3), 4), weights.resnet_from_state_dict),
    "resnet101": (lambda: ResNet((3, 4, 23, 3), 2), weights.resnet_from_state_dict),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [(224, 224), (97, 130), (64, 75)], ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("kind", ENCODERS)
def test_activations(tmp_path, kind, size, dtype):
    """Odd sizes show where strides and pooling begin, and whether a window may hang over the edge."""
    make, load = ENCODERS[kind]
    module = filled(make()).to(getattr(torch, dtype))
    path = tmp_path / "encoder.pth"
    torch.save(module.state_dict(), path)
    encoder, variables = load(weights.read_weights(path))
    images = np.random.default_rng(1).normal(size=(2, *size, 3)).astype(dtype)
    with torch.no_grad():
        wanted = module(torch.from_numpy(images).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    found = encoder.apply(variables, jnp.asarray(images))
    assert found.dtype == dtype and found.shape == wanted.shape
    bound = (1e-10 if dtype == "float64" else 1e-5) * np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=bound)
    assert (wanted > 0).mean() > 0.1


@pytest.mark.parametrize("zipped", [False, True], ids=["legacy", "zip"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_is_read_where_there_is_no_torch(tmp_path, kind, zipped):
    """The authors' dictionary with a whole Adam that has stepped; DataParallel's names in the zip format."""
    golden = np.load(GOLDENS / f"dec_{kind}_s0.npz")
    arrays = {name.removeprefix("param."): golden[name] for name in golden.files if name.startswith("param.")}
    if kind.endswith("cnn"):
        arrays["img_projector.weight"] = arrays["img_projector.weight"][:, :, None, None]
        vgg = filled(vgg16(1)).state_dict()
        arrays |= {name.replace("features", "img_encoder.encoder"): a.numpy() for name, a in vgg.items()}
    parameters = [nn.Parameter(torch.from_numpy(np.array(a))) for a in arrays.values()]
    state = dict(zip(arrays, parameters, strict=True))
    optimiser = torch.optim.Adam([{"params": parameters[:2]}, {"params": parameters[2:]}], lr=1e-6, betas=(0.8, 0.999))
    saved = collections.OrderedDict((name, parameter.detach().clone()) for name, parameter in state.items())
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    if zipped:
        saved = collections.OrderedDict((f"module.{name}", tensor) for name, tensor in saved.items())
    path, out = tmp_path / "checkpoint_flickr30k_epoch28_cider_0.54.pth", tmp_path / "answer.npz"
    progress = {"epoch": "9lrp", "epochs_since_improvement": 0, "bleu-4": 0.25, "cider": np.float64(0.54)}
    torch.save(progress | {"state_dict": saved, "optimizer": optimiser}, path, _use_new_zipfile_serialization=zipped)
    words = ["<pad>", *(f"word{i}" for i in range(26)), "<unk>", "<start>", "<end>"]
    (tmp_path / "wordmap.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    arguments = [path, tmp_path / "wordmap.json", GOLDENS / f"dec_{kind}_s0.npz", out]
    subprocess.run([sys.executable, "-c", READ_WITHOUT_TORCH, *map(str, arguments)], check=True)
    answer = np.load(out)
    wanted = golden["pixel.logits" if kind.startswith("ada") else "logits"]
    np.testing.assert_allclose(answer["logits"], wanted, rtol=0, atol=1e-9 * np.abs(wanted).max())
    assert ("VGG16" in str(answer["encoder"])) == kind.endswith("cnn")
