import jax
import numpy as np
import pytest

from lrp_jax.captions.metrics import cider_tokens
from lrp_jax.captions.training import frequencies as module
from lrp_jax.captions.training.frequencies import (
    cached_frequencies,
    load_frequencies,
    references_digest,
    save_frequencies,
)

REFERENCES = [[[4, 5, 6], [5]], [[7, 4]]]


def test_the_file_holds_the_same(tmp_path):
    counted = cider_tokens.document_frequencies(REFERENCES, 8)
    save_frequencies(tmp_path / "df.npz", counted, "key")
    read = load_frequencies(tmp_path / "df.npz", "key")
    for a, b in zip(jax.tree.leaves(counted), jax.tree.leaves(read), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    assert jax.tree.structure(counted) == jax.tree.structure(read)
    assert [path.name for path in tmp_path.iterdir()] == ["df.npz"]


def test_a_file_of_other_captions_or_a_damaged_one_is_refused(tmp_path, caplog, monkeypatch):
    path = tmp_path / "df.npz"
    cached_frequencies(path, REFERENCES, 8)
    with pytest.raises(ValueError, match="was counted from other captions"):
        load_frequencies(path, references_digest(REFERENCES, 9))
    monkeypatch.setattr(module, "document_frequencies", None)
    cached_frequencies(path, REFERENCES, 8)  # read, not counted
    monkeypatch.undo()

    other = cached_frequencies(path, REFERENCES[:1], 8)
    assert len(other.idf[1]) < len(cider_tokens.document_frequencies(REFERENCES, 8).idf[1])
    assert "was counted from other captions" in caplog.text
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match="or damaged"):
        load_frequencies(path, "key")
    again = cached_frequencies(path, REFERENCES[:1], 8)
    np.testing.assert_array_equal(again.idf[3], other.idf[3])
    with pytest.raises(FileNotFoundError):
        load_frequencies(tmp_path / "none.npz", "key")


def test_the_digest_knows_images_captions_and_words():
    variants = [
        (REFERENCES, 8),
        (REFERENCES, 9),
        ([[[4, 5], [6, 5]], [[7, 4]]], 8),
        ([[[4, 5, 6]], [[5], [7, 4]]], 8),
        ([[[4, 5, 6], [5]], [[4, 7]]], 8),
    ]
    assert len({references_digest(*variant) for variant in variants}) == len(variants)
    assert references_digest(np.array([[[4, 5]]]), 8) == references_digest([[(4, 5)]], 8)
