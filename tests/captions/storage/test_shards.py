"""What lies under the stores: numbers, rows that are read when they are needed, and locks."""

import errno
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import filelock
import numpy as np
import pytest

from lrp_jax.captions.storage.locks import locked
from lrp_jax.captions.storage.shards import LazyArray, to_float32, write_shard


def test_every_finite_float16_is_exact():
    numbers = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    numbers = numbers[np.isfinite(numbers)].reshape(2, -1)
    out = np.empty(numbers.shape, np.float32)
    to_float32(numbers, out)
    np.testing.assert_array_equal(out.view(np.uint32), numbers.astype(np.float32).view(np.uint32))  # signs of 0 too
    shifted = np.frombuffer(b"...." + numbers.tobytes(), np.float16, offset=4).reshape(numbers.shape)
    again = np.empty_like(out)
    to_float32(shifted, again)
    np.testing.assert_array_equal(again, out)


def test_a_lazy_array_reads_the_rows_that_are_asked_for():
    read = []

    def row(index, out):
        read.append(index)
        out[...] = index

    array = LazyArray((1000, 2, 3), row)
    np.testing.assert_array_equal(array[np.array([7, 900, 7])][:, 1, 2], [7, 900, 7])
    assert read == [7, 900, 7]
    assert np.asarray(array[990:], np.float64).dtype == np.float64 and array[np.array([], int)].shape == (0, 2, 3)
    with pytest.raises(ValueError, match="copy"):
        np.array(array, copy=False)


def test_one_at_a_time(tmp_path, caplog):
    """Threads stand for processes: each locks an open file of its own."""
    (tmp_path / "number").write_text("0")

    def count(_):
        with locked(tmp_path):
            number = int((tmp_path / "number").read_text())
            time.sleep(0.002)
            (tmp_path / "number").write_text(str(number + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(40)))
    assert (tmp_path / "number").read_text() == "40"
    assert {path.name for path in tmp_path.iterdir()} == {"number", ".lock"}
    assert "is being written by another process" in caplog.text
    with pytest.raises(RuntimeError), locked(tmp_path):
        raise RuntimeError
    with locked(tmp_path):
        pass


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch, caplog):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    error = OSError(errno.ENOLCK, "No locks available")
    with locked(tmp_path):
        assert "no locks" in caplog.text
    error = OSError(errno.EIO, "Input/output error")
    with pytest.raises(OSError, match="Input/output error"), locked(tmp_path):
        pass


@pytest.mark.parametrize("fails", ["write", "close"])
def test_a_disk_that_is_full_fails_as_files_do(tmp_path, monkeypatch, fails):
    """As array_record does it: with a RuntimeError, which could be anyone's."""
    from array_record.python import array_record_module

    class Full(array_record_module.ArrayRecordWriter):
        def fail(self, *_):
            raise RuntimeError("write() failed: No space left on device")

    setattr(Full, fails, Full.fail)
    monkeypatch.setattr(array_record_module, "ArrayRecordWriter", Full)
    with pytest.raises(OSError, match=r"some-00003\.array_record: cannot be written .*No space left"):
        write_shard(tmp_path, "some", 3, [("a", b"1")], "group_size:1")
    assert not list(tmp_path.iterdir())


def test_without_array_record_a_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "array_record.python", None)
    with pytest.raises(OSError, match=r"needs array_record, which is not installed .*; keep features in memory"):
        write_shard(tmp_path, "some", 0, [("a", b"1")], "group_size:1")
