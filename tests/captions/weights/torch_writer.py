"""Writes files in torch's two formats, byte by byte, without torch."""

import collections
import io
import pickle
import zipfile

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class Name:
    """Something that is pickled as a global name, whether or not there is such a module."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """Something that is pickled as a call, and as the setting of items of what came back."""

    def __init__(self, function, *args, items=()):
        self.function, self.args, self.items = function, args, items


class Instance:
    """Something that is pickled as an object of a class, with its state."""

    def __init__(self, kind, state):
        self.kind, self.state = kind, state


class Stored:
    """The storage of an array, as a persistent id."""

    def __init__(self, key, array, kind="FloatStorage", legacy=False):
        self.identity = ("storage", Name("torch", kind), key, "cpu", array.size, *([None] if legacy else []))


class Writer(pickle._Pickler):
    """The pure-Python pickler, with the kinds of thing above."""

    def persistent_id(self, obj):
        return obj.identity if isinstance(obj, Stored) else None

    def save(self, obj, **options):
        if isinstance(obj, Name):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Call):
            self.save(obj.function)
            self.save(tuple(obj.args))
            self.write(pickle.REDUCE)
            for key, value in obj.items:
                self.save(key)
                self.save(value)
                self.write(pickle.SETITEM)
        elif isinstance(obj, Instance):
            self.save(obj.kind)
            self.write(pickle.EMPTY_TUPLE + pickle.NEWOBJ)
            self.save(obj.state)
            self.write(pickle.BUILD)
        else:
            super().save(obj, **options)


def pickled(obj):
    buffer = io.BytesIO()
    Writer(buffer, protocol=2).dump(obj)
    return buffer.getvalue()


def tensor(stored, shape, strides, offset=0):
    return Call(
        Name("torch._utils", "_rebuild_tensor_v2"), stored, offset, shape, strides, False, collections.OrderedDict()
    )


def write_zip(path, obj, storages):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(obj))
        archive.writestr("archive/byteorder", "little")
        for key, array in storages.items():
            archive.writestr(f"archive/data/{key}", array.tobytes())


def write_legacy(path, obj, storages):
    system = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    with open(path, "wb") as file:
        for part in (MAGIC, PROTOCOL, system, obj, list(storages)):
            file.write(pickled(part))
        for array in storages.values():
            file.write(array.size.to_bytes(8, "little") + array.tobytes())
