"""Files of torch.save without named tensors: the error says what they are, and how to save what is wanted."""

import ast
import collections
import io
import pickle
import re
import zipfile

import numpy as np
import pytest
from torch_writer import Call, Instance, Name, Stored, Writer, tensor, write_legacy, write_zip

from lrp_jax.captions.weights import UnsafeFileError, read_weights

WEIGHT = np.arange(12, dtype=np.float32)
WRITERS = {"zip": write_zip, "legacy": write_legacy}
Adam = Call(Name("copyreg", "_reconstructor"), Name("torch.optim.adam", "Adam"), Name("builtins", "object"), None)


class Module(Instance):
    """A whole nn.Module as torch pickles it: its class by name, its parts as state."""

    def __init__(self, name, tensors=None, modules=None, transient=(), **more):
        state = {
            "training": False,
            "_parameters": collections.OrderedDict(tensors or {}),
            "_buffers": {"running": None, **dict.fromkeys(transient)},
            "_non_persistent_buffers_set": Call(Name("__builtin__", "set"), list(transient)),
            "_backward_hooks": collections.OrderedDict(),
            "_modules": collections.OrderedDict(modules or {}),
            **more,
        }
        super().__init__(Name("my_project.models", name), state)


def weight(layout="zip"):
    return tensor(Stored("0", WEIGHT, legacy=layout == "legacy"), (3, 4), (4, 1))


def encoder(layout="zip", **more):
    linear = Module("Linear", {"weight": weight(layout), "bias": None})
    return Module("Encoder", {"scale": weight(layout)}, {"layers": Module("Sequential", {}, {"0": linear})}, **more)


def refusal(path):
    with pytest.raises(ValueError) as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)
    return caught.value


def statements(message):
    """The Python that a message gives, as the reader would paste it."""
    code = message.partition("Where that code is: ")[2]
    return ast.parse(code).body


@pytest.mark.parametrize("layout", WRITERS)
def test_a_whole_module_is_named_with_its_tensors(tmp_path, layout):
    path = tmp_path / "model.pth"
    WRITERS[layout](path, encoder(layout), {"0": WEIGHT})
    error = refusal(path)
    assert not isinstance(error, UnsafeFileError)
    assert str(error).startswith(
        f"{path}: no named tensors; the file holds: a whole module, Encoder: scale, layers.0.weight."
    )
    assert [ast.unparse(line) for line in statements(str(error))] == [
        "saved = torch.load('model.pth', weights_only=False)",
        "torch.save(saved.state_dict(), 'state_dict.pth')",
    ]


def test_the_checkpoint_of_a_tutorial(tmp_path):
    """{"epoch", "encoder", "decoder", their optimisers}: modules as they are."""
    path = tmp_path / "BEST_checkpoint_coco.pth.tar"
    saved = {"epoch": 3, "encoder": encoder(), "decoder": Module("Decoder"), "decoder_optimizer": Adam}
    write_zip(path, saved, {"0": WEIGHT})
    message = str(refusal(path))
    assert (
        "the file holds: epoch, encoder (a whole module, Encoder: scale, layers.0.weight), decoder (a whole module, "
        "Decoder), decoder_optimizer"
    ) in message
    load, save = statements(message)
    assert "BEST_checkpoint_coco.pth.tar" in ast.unparse(load)
    # Run with a torch that writes down what is saved: a file for each module.
    written = {}
    modules = {name: type("M", (), {"state_dict": lambda self, name=name: f"tensors of {name}"})() for name in saved}
    torch = type("torch", (), {"save": lambda tensors, file: written.__setitem__(file, tensors)})
    exec(ast.unparse(save), {"torch": torch, "saved": modules})
    assert written == {"encoder.pth": "tensors of encoder", "decoder.pth": "tensors of decoder"}


def test_a_lone_number_beside_modules_is_not_taken_for_the_weights(tmp_path):
    path = tmp_path / "model.pth"
    score = tensor(Stored("0", WEIGHT), (), ())
    write_zip(path, {"encoder": encoder(), "bleu-4": score}, {"0": WEIGHT})
    assert "encoder (a whole module, Encoder: scale, layers.0.weight), bleu-4" in str(refusal(path))
    write_zip(path, {"scale": score, "epoch": 3}, {"0": WEIGHT})
    assert list(read_weights(path)) == ["scale"]


def test_buffers_that_a_state_dict_has_not_are_not_named(tmp_path):
    path = tmp_path / "model.pth"
    module = Module("Net", {"weight": weight()}, transient=["mask"])
    module.state["_buffers"] = {"mask": weight(), "mean": weight(), "nothing": None}
    write_zip(path, module, {"0": WEIGHT})
    assert "a whole module, Net: weight, mean." in str(refusal(path))


def test_one_module_among_other_things(tmp_path):
    path = tmp_path / "model.pt"
    write_zip(path, {"epoch": 1, "model": encoder()}, {"0": WEIGHT})
    assert statements(str(refusal(path)))[1].value.args[1].value == "model.pth"


def test_named_tensors_beside_a_module_are_read(tmp_path):
    path = tmp_path / "model.pt"
    write_zip(path, {"model": encoder(), "state_dict": {"w": weight()}}, {"0": WEIGHT})
    np.testing.assert_array_equal(read_weights(path)["w"], WEIGHT.reshape(3, 4))


@pytest.mark.parametrize(
    "part",
    [
        Call(Name("__builtin__", "set"), [1, 2]),
        Call(Name("__builtin__", "frozenset"), ["a"]),
        Call(Name("functools", "partial"), Name("torch.nn", "BatchNorm2d")),
        Call(Name("my_project.config", "Size"), 3),  # an Enum of somebody's own
        Call(Name("torchvision.transforms.functional", "InterpolationMode"), "bilinear"),
        Call(Name("pathlib", "PosixPath"), "runs", "best"),
        Call(Name("datetime", "datetime"), b"\x07"),
        Call(Name("__builtin__", "slice"), 0, 3, None),
    ],
)
def test_what_modules_have_in_them_is_not_unsafe(tmp_path, part):
    path = tmp_path / "model.pth"
    write_zip(path, {"epoch": 3, "net": encoder(extra=part)}, {"0": WEIGHT})
    error = refusal(path)
    assert not isinstance(error, UnsafeFileError)
    assert "epoch, net (a whole module, Encoder: scale, layers.0.weight)" in str(error)


CALLS = {  # as the file has it -> as it is told
    "os.system": "os.system",
    "posix.system": "posix.system",
    "nt.system": "nt.system",
    "builtins.eval": "builtins.eval",
    "__builtin__.eval": "builtins.eval",
    "__builtin__.execfile": "builtins.execfile",
    "commands.getoutput": "subprocess.getoutput",
    "subprocess.Popen": "subprocess.Popen",
    "builtins.getattr": "builtins.getattr",
}


@pytest.mark.parametrize("call", CALLS)
def test_a_module_that_calls_what_python_has_is_unsafe_all_the_same(tmp_path, call):
    mark, path = tmp_path / "was_here", tmp_path / "model.pth"
    gift = Call(Name(*call.split(".")), f"touch {mark}")
    write_zip(path, {"net": encoder(extra=gift), "other": Call(Name("my_project", "f"))}, {"0": WEIGHT})
    error = refusal(path)
    assert isinstance(error, UnsafeFileError)
    assert f"the file calls {CALLS[call]}, which does not make a tensor; nothing was executed" in str(error)
    assert not mark.exists()


def test_a_call_is_refused_in_a_file_that_is_damaged_behind_it(tmp_path):
    path = tmp_path / "model.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "archive/data.pkl", pickle.GLOBAL + b"os\nsystem\n" + pickle.EMPTY_TUPLE + pickle.REDUCE + b"!"
        )
    assert isinstance(refusal(path), UnsafeFileError)


def test_a_module_inside_itself_comes_to_an_end(tmp_path):
    path = tmp_path / "model.pth"
    data = pickled_loop("Loop", {"weight": weight()})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/data/0", WEIGHT.tobytes())
    assert "a whole module, Loop: weight." in str(refusal(path))


def pickled_loop(name, tensors):
    """A module of which a part is the module itself, through place 99 of the pickle's memo."""
    buffer = io.BytesIO()
    writer = Writer(buffer, protocol=2)
    writer.write(pickle.PROTO + b"\x02")
    writer.save(Name("my_project.models", name))
    writer.write(pickle.EMPTY_TUPLE + pickle.NEWOBJ + pickle.BINPUT + b"\x63")
    writer.write(pickle.EMPTY_DICT + pickle.MARK)
    writer.save("_parameters")
    writer.save(tensors)
    writer.save("_modules")
    writer.write(pickle.EMPTY_DICT + pickle.MARK)
    writer.save("again")
    writer.write(pickle.BINGET + b"\x63" + pickle.SETITEMS)
    writer.write(pickle.SETITEMS + pickle.BUILD + pickle.STOP)
    return buffer.getvalue()


OTHERS = {
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a Git LFS pointer"),
    "HTML": (b"\n<!DOCTYPE html><html>", "a page of HTML or XML"),
    "safetensors": ((20).to_bytes(8, "little") + b'{"w":{"dtype":"F32"}', "a safetensors file: name it .safetensors"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file: name it .h5"),
    "gzip": (b"\x1f\x8b\x08" + bytes(99), "a packed archive"),
    "tar": (b"model.pth".ljust(257, b"\0") + b"ustar" + bytes(99), "a packed archive"),
    "plain pickle": (
        pickle.dumps({"epoch": 3, "best": 1.0}, 2),
        "a pickle without torch's header; it holds: epoch, best",
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_taken_for_a_file_of_torchs(tmp_path, kind):
    path = tmp_path / "model.pth"
    content, said = OTHERS[kind]
    path.write_bytes(content)
    message = str(refusal(path))
    assert "not a file that torch.save wrote" in message and said in message


def test_other_zip_archives(tmp_path):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", b"")
        archive.writestr("model/constants.pkl", b"")
        archive.writestr("model/code/__torch__.py", "")
    assert re.search(r"a TorchScript program of torch\.jit\.save: model = torch\.jit\.load", str(refusal(path)))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("README.md", b"")
    assert "a zip archive without data.pkl; it holds: README.md" in str(refusal(path))
