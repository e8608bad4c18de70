"""Pickles of torch's layouts, written here byte by byte: tensors come out, and nothing is run."""

import collections
import os

import numpy as np
import pytest
from torch_writer import Call, Name, Stored, tensor, write_legacy, write_zip

from lrp_jax.captions.weights import UnsafeFileError, read_weights
from lrp_jax.captions.weights.torch_file import read_torch_file, state_dict

WEIGHT = np.arange(12, dtype=np.float32)
BIAS = np.array([1.5, -2.0, 0.25], np.float32)
WRITERS = {"zip": write_zip, "legacy": write_legacy}


def authors_file(path, layout, extra=None):
    """{"epoch", "state_dict", "optimizer": a whole Adam, "opt"}: the layout of the published captioners."""
    legacy = layout == "legacy"
    weight, bias = (Stored(k, a, legacy=legacy) for k, a in (("0", WEIGHT), ("1", BIAS)))
    optimiser = Call(
        Name("copyreg", "_reconstructor"), Name("torch.optim.adam", "Adam"), Name("builtins", "object"), None
    )
    obj = {
        "epoch": 20,
        "state_dict": collections.OrderedDict(weight=tensor(weight, (3, 4), (4, 1)), bias=tensor(bias, (3,), (1,))),
        "transposed": tensor(weight, (4, 3), (1, 4)),
        "optimizer": optimiser,
        "state": Call(Name("collections", "defaultdict"), Name("builtins", "dict")),
        "opt": Call(Name("argparse", "Namespace")),
        **(extra or {}),
    }
    WRITERS[layout](path, obj, {"0": WEIGHT, "1": BIAS})


@pytest.mark.parametrize("layout", WRITERS)
def test_the_layout_of_the_published_captioners(tmp_path, layout):
    path = tmp_path / "model.pth.tar"
    authors_file(path, layout)
    saved = read_torch_file(path)
    assert saved["epoch"] == 20
    np.testing.assert_array_equal(saved["transposed"], WEIGHT.reshape(3, 4).T)
    arrays = read_weights(path)
    assert list(arrays) == ["weight", "bias"]
    np.testing.assert_array_equal(arrays["weight"], WEIGHT.reshape(3, 4))
    np.testing.assert_array_equal(arrays["bias"], BIAS)
    with pytest.raises(ValueError, match="no named tensors under 'model'; the file holds: epoch, state_dict"):
        state_dict(saved, "model")


HOSTILE = {
    "os.system": lambda mark: Call(Name("os", "system"), f"touch {mark}"),
    "posix.system": lambda mark: Call(Name("posix", "system"), f"touch {mark}"),
    "builtins.eval": lambda mark: Call(Name("builtins", "eval"), f"open({mark!r}, 'w')"),
    "builtins.open": lambda mark: Call(Name("builtins", "open"), mark, "w"),
    "builtins.getattr": lambda mark: Call(Name("builtins", "getattr"), Name("os", "path"), "join"),
    "pathlib.Path": lambda mark: Call(Name("pathlib", "Path"), mark),
}


@pytest.mark.parametrize("layout", WRITERS)
@pytest.mark.parametrize("call", HOSTILE)
def test_a_hostile_file_does_nothing_and_is_refused(tmp_path, layout, call):
    mark, path = tmp_path / "was_here", tmp_path / "model.pth"
    authors_file(path, layout, {"gift": HOSTILE[call](str(mark))})
    with pytest.raises(UnsafeFileError, match=rf"model.pth: the file calls {call}, .*nothing was executed"):
        read_weights(path)
    assert not mark.exists()


def test_what_is_called_of_the_packages_that_may_be_is_inert(tmp_path):
    """numpy and torch have functions that run code, too: their names are placeholders here."""
    mark, path = tmp_path / "was_here", tmp_path / "model.pth"
    runs = Call(Name("numpy.testing._private.utils", "runstring"), f"open({str(mark)!r}, 'w')", {})
    loads = Call(Name("torch.hub", "load"), str(mark), "x")
    authors_file(path, "zip", {"gift": runs, "other": loads})
    assert set(read_weights(path)) == {"weight", "bias"}
    assert not mark.exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (tensor(Stored("0", WEIGHT), (3, 5), (5, 1)), r"a tensor of shape \(3, 5\) in a storage of 12"),
        (tensor(Stored("0", WEIGHT), (3, 4), (4, 1), 1), "in a storage of 12"),
        (tensor(Stored("0", WEIGHT), (3, -4), (4, 1)), "a tensor of shape"),
        (tensor(Stored("0", WEIGHT), (100000, 100000), (0, 0)), "in a storage of 12"),
        (tensor(Stored("9", WEIGHT), (3, 4), (4, 1)), "data/9"),
        (tensor(Stored("0", WEIGHT, "ComplexFloatStorage"), (3, 4), (4, 1)), "tensors of ComplexFloatStorage"),
    ],
)
def test_damaged_tensors(tmp_path, wrong, message):
    path = tmp_path / "model.pth"
    write_zip(path, {"w": wrong}, {"0": WEIGHT})
    with pytest.raises(ValueError, match=message):
        read_weights(path)


def test_damaged_files(tmp_path):
    path = tmp_path / "model.pth"
    authors_file(path, "legacy")
    whole = path.read_bytes()
    for cut in (0, 3, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=r"model.pth: not a file that torch.save wrote"):
            read_weights(path)
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(ValueError, match=r"model.pth: not a file that torch.save wrote"):
        read_weights(path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_weights(tmp_path / "none.pth")
    other = tmp_path / "weights.onnx"
    other.write_bytes(b"x")
    with pytest.raises(ValueError, match=r"got suffix '.onnx'; wanted one of .npz"):
        read_weights(other)
    assert sorted(os.listdir(tmp_path)) == ["model.pth", "weights.onnx"]
