import pytest

from lrp_jax.captions.storage.files import atomic


def test_a_file_appears_whole(tmp_path):
    with atomic(tmp_path / "a.txt") as file:
        file.write("ä")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "ä"


def test_a_failure_leaves_the_old_file_and_no_rest(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"old")
    with pytest.raises(RuntimeError), atomic(tmp_path / "a.bin", "wb") as file:
        file.write(b"new")
        raise RuntimeError
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
