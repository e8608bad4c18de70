"""Files that torch really wrote, read back without it."""

import collections

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lrp_jax.captions.weights.torch_file import read_torch_file, state_dict


@pytest.mark.parametrize("zipped", [True, False])
def test_round_trip_of_every_kind_of_tensor(tmp_path, zipped):
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    tensors = collections.OrderedDict(
        plain=base,
        shared=base[1],  # one storage, two tensors
        transposed=base.permute(2, 0, 1),
        scalar=torch.tensor(3.5),
        empty=torch.zeros(0, 4),
        double=torch.randn(3, dtype=torch.float64),
        half=torch.randn(3).half(),
        brain=torch.randn(3).bfloat16(),
        long=torch.tensor([1, -2]),
        flags=torch.tensor([True, False]),
        parameter=torch.nn.Parameter(torch.randn(2, 2)),
    )
    optimiser = torch.optim.Adam([tensors["parameter"]], lr=0.1)
    tensors["parameter"].grad = torch.ones(2, 2)
    optimiser.step()
    path = tmp_path / "file.pth"
    saved = {"state_dict": tensors, "optimizer": optimiser, "epoch": 3, "args": collections.defaultdict(dict, a={})}
    torch.save(saved, path, _use_new_zipfile_serialization=zipped)
    read = read_torch_file(path)
    assert read["epoch"] == 3
    arrays = state_dict(read)
    assert list(arrays) == list(tensors)
    for name, tensor in tensors.items():
        wanted = tensor.detach().float() if tensor.dtype == torch.bfloat16 else tensor.detach()
        np.testing.assert_array_equal(arrays[name].astype(wanted.numpy().dtype), wanted.numpy(), err_msg=name)
