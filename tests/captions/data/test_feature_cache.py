"""Features in a folder: those of this run, whole, or refused."""

import json
import logging
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lrp_jax.captions.data.features import FeatureError, FeatureStore, cached_features, compute_features
from lrp_jax.captions.images import Example

KEY = {"encoder": "Means()", "weights": "a" * 64, "preprocessing": "{}"}
COUNT = 11


def files_in(folder):
    """The files of a folder but its lock, which stays."""
    return [path for path in folder.iterdir() if path.name != ".lock"]


def drawn(count=COUNT, seed=0):
    rng = np.random.default_rng(seed)
    return [Example(f"i{i}", rng.integers(0, 256, (6, 8, 3), np.uint8), captions=(f"image {i}",)) for i in range(count)]


class Encoder:
    """Means over 2 x 2 grids of cells, of batches of 2; raises from a call on."""

    def __init__(self, scale=1.0, fails_at=None):
        self.calls, self.scale, self.fails_at = 0, scale, fails_at

    def __call__(self, images):
        self.calls += 1
        if self.calls == self.fails_at:
            raise RuntimeError("out of memory")
        cells = images.reshape(len(images), 2, images.shape[1] // 2, 2, images.shape[2] // 2, 3)
        return np.float32(self.scale) * cells.mean(axis=(2, 4), dtype=np.float32)


def features(folder, dataset=None, encode=None, key=KEY, **options):
    options = {"name": "train", "batch_size": 2, "shard_images": 4, **options}
    return cached_features(folder, drawn() if dataset is None else dataset, encode or Encoder(), key=key, **options)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    features(folder)
    return folder


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copy")


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_features_are_those_of_the_encoder(tmp_path, capsys, dtype):
    encode, wanted = Encoder(), compute_features(drawn(), Encoder(), batch_size=2)
    first = features(tmp_path, encode=encode, dtype=dtype)
    line = capsys.readouterr().out
    assert "train: 11 images of 4 x 3 " + dtype in line and "writing at most" in line and line.count("\n") == 1
    assert encode.calls == 6
    again = features(tmp_path, encode=encode, dtype=dtype)
    assert encode.calls == 6 and not capsys.readouterr().out
    for found in (first, again):
        assert found.grid == (2, 2) and found.captions == wanted.captions and len(found) == COUNT
        assert found.array.shape == (COUNT, 4, 3) and found.array.dtype == np.float32
        # Half a unit in the last of 11 places.
        np.testing.assert_allclose(found.array, wanted.array, rtol=0 if dtype == "float32" else 2**-11)
        np.testing.assert_array_equal(found.indices, wanted.indices)
    files = {path.name: path.stat().st_size for path in files_in(tmp_path / "train")}
    assert sorted(files) == [*(f"features-{i:05d}.array_record" for i in range(3)), "index.json"]
    FeatureStore(tmp_path / "train").verify()


def test_rows_are_read_as_from_an_array(written):
    array = FeatureStore(written / "train").array
    whole = np.asarray(array)
    for index in (
        0,
        -1,
        slice(3, 9, 2),
        np.array([9, 0, 9]),
        np.array([], int),
        whole[:, 0, 0] > 100,
        [[1, 2], [3, 4]],
    ):
        found = array[index]
        assert found.dtype == np.float32 and found.flags.writeable
        np.testing.assert_array_equal(found, whole[index])
    assert len(list(array)) == array.shape[0] == COUNT and array.ndim == 3
    for index in (COUNT, np.array([0, -COUNT - 1]), (0, 0)):
        with pytest.raises(IndexError):
            array[index]


def test_several_threads_and_copies_read(written):
    store = FeatureStore(written / "train")
    whole = np.asarray(store.array)
    rows = np.random.default_rng(0).integers(0, COUNT, (200, 5))
    for array in (FeatureStore(written / "train").array, pickle.loads(pickle.dumps(store)).array):
        with ThreadPoolExecutor(8) as pool:
            for chosen, found in zip(rows, pool.map(array.__getitem__, rows), strict=True):
                np.testing.assert_array_equal(found, whole[chosen])


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"key": KEY | {"weights": "b" * 64}}, f"weights {'a' * 12}, wanted {'b' * 12}"),
        ({"key": KEY | {"encoder": "Medians()"}}, r"encoder Means\(\), wanted Medians\(\)"),
        ({"key": KEY | {"preprocessing": "{1}"}}, r"preprocessing {}, wanted {1}"),
        ({"key": KEY | {"more": "x"}}, "more unknown, wanted x"),
        ({"size": (4, 4)}, "decoding .*own size, wanted .*4 x 4"),
        ({"dataset": drawn(seed=1)}, "other pixels or another id of image 0"),
        ({"dataset": drawn()[:5]}, "images .*; 11 images, wanted 5"),
        ({"dtype": "float32"}, "features_dtype float16, wanted float32"),
    ],
)
def test_features_of_something_else_are_refused(written, changes, part):
    before = {path: path.stat().st_mtime_ns for path in files_in(written / "train")}
    encode = Encoder()
    with pytest.raises(FeatureError, match=f"train has other features: {part}.*; delete") as refusal:
        features(written, encode=encode, **changes)
    assert "\n" not in str(refusal.value) and encode.calls == 0
    assert before == {path: path.stat().st_mtime_ns for path in files_in(written / "train")}


def test_other_captions_need_no_other_features(written):
    encode = Encoder()
    texts = [("one", f"two {i}") for i in range(COUNT)]
    dataset = [Example(e.id, e.image, captions) for e, captions in zip(drawn(), texts, strict=True)]
    assert features(written, dataset, encode).captions == tuple(texts) and encode.calls == 0


def test_a_dataset_that_is_no_list_is_read_once(tmp_path):
    class Lazy:
        """Makes examples when they are asked for, and counts them."""

        read, texts = 0, "image {}"

        def __len__(self):
            return 300

        def __getitem__(self, place):
            self.read += 1
            return Example(f"i{place}", np.full((6, 8, 3), place % 256, np.uint8), (self.texts.format(place),))

    dataset = Lazy()
    first = features(tmp_path, dataset, batch_size=50)
    assert dataset.read == 256 + 300 and first.captions[299] == ("image 299",)
    again = features(tmp_path, dataset, batch_size=50)
    assert dataset.read == 2 * 256 + 300 and again.captions == first.captions
    dataset.texts = "picture {}"
    assert features(tmp_path, dataset, batch_size=50).captions[299] == ("picture 299",)


def test_an_interrupted_computation_goes_on(written, tmp_path):
    encode = Encoder(fails_at=4)  # with images 6 and 7, of the second shard
    with pytest.raises(RuntimeError, match="out of memory"):
        features(tmp_path, encode=encode)
    folder = tmp_path / "train"
    assert sorted(path.name for path in files_in(folder)) == ["features-00000.array_record", "index.json"]
    with pytest.raises(ValueError, match="features of 4 of 11 images; start the run again"):
        FeatureStore(folder)
    kept = (folder / "features-00000.array_record").stat().st_mtime_ns
    (folder / ".features-00001.array_record.1.tmp").write_bytes(b"left by a process that was killed")
    encode = Encoder()
    found = features(tmp_path, encode=encode)
    assert encode.calls == 4  # 7 images are missing
    assert (folder / "features-00000.array_record").stat().st_mtime_ns == kept
    np.testing.assert_array_equal(found.array, FeatureStore(written / "train").array)
    assert sorted(path.name for path in files_in(folder)) == sorted(p.name for p in files_in(written / "train"))
    with pytest.raises(FeatureError, match="weights"):
        features(tmp_path, key=KEY | {"weights": "b" * 64})


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_file_that_is_cut_off_is_computed_anew(folder, written, number):
    file = folder / "train" / f"features-{number:05d}.array_record"
    file.write_bytes(file.read_bytes()[:-10]) if number else file.unlink()
    with pytest.raises(ValueError, match=rf"features-{number:05d}\.array_record: got \d+ bytes, wanted"):
        FeatureStore(folder / "train")
    encode = Encoder()
    found = features(folder, encode=encode)
    assert encode.calls == 2
    np.testing.assert_array_equal(found.array, FeatureStore(written / "train").array)
    assert FeatureStore(folder / "train").index == FeatureStore(written / "train").index


def test_a_flipped_byte_is_noticed(folder):
    file = folder / "train" / "features-00001.array_record"
    content = bytearray(file.read_bytes())
    store = FeatureStore(folder / "train")
    place = content.index(np.asarray(store.array[5], np.float16).tobytes())
    content[place + 3] ^= 1
    file.write_bytes(content)
    found = features(folder)
    np.testing.assert_array_equal(
        found.array[:4], compute_features(drawn(4), Encoder(), batch_size=2).array.astype("f2")
    )
    message = r"train/features-00001\.array_record: got a damaged record.*delete the folder"
    with pytest.raises(ValueError, match=message):
        found.array[np.array([0, 5])]
    with pytest.raises(OSError, match=r"features-00001\.array_record: got CRC-32"):
        FeatureStore(folder / "train").verify()


def test_a_damaged_index_is_refused(folder):
    path = folder / "train" / "index.json"
    content = json.loads(path.read_text())
    for change in ({"version": 9}, {"dtype": "object"}, {"shape": None}, {"left_out": [3]}, {"shards": 1}, {"more": 1}):
        path.write_text(json.dumps(content | change))
        with pytest.raises(FeatureError, match=r"index\.json: got .*; delete the folder"):
            features(folder)
    path.write_text("{")
    with pytest.raises(FeatureError, match=r"index\.json: got no index"):
        features(folder)


def unreadable(*places):
    return [Example(e.id, b"no image", e.captions) if i in places else e for i, e in enumerate(drawn())]


def test_images_that_cannot_be_read_are_left_out_and_the_captions_with_them(tmp_path, caplog):
    """Also where a computation goes on behind one of them."""
    dataset = unreadable(0, 3, 4, 10)
    with pytest.raises(RuntimeError, match="out of memory"):
        features(tmp_path, dataset, Encoder(fails_at=5))  # with images 8 and 9
    assert json.loads((tmp_path / "train" / "index.json").read_text())["left_out"] == [0, 3, 4]
    for calls in (1, 0):
        encode = Encoder()
        with caplog.at_level(logging.WARNING):
            caplog.clear()
            found = features(tmp_path, dataset, encode)
        assert encode.calls == calls and ("image i10 is skipped" in caplog.text) == (calls > 0)
        assert found.indices.tolist() == [1, 2, 5, 6, 7, 8, 9]
        assert found.captions == tuple((f"image {i}",) for i in found.indices)
        readable = compute_features([dataset[i] for i in found.indices], Encoder(), batch_size=2)
        np.testing.assert_allclose(found.array, readable.array, rtol=2**-11)
    with pytest.raises(FeatureError, match="none of the 2 images"):
        features(tmp_path / "none", [dataset[3], dataset[4]])
    with pytest.raises(FeatureError, match="without images"):
        features(tmp_path / "empty", [])


def test_images_that_are_repaired_are_computed(written, tmp_path):
    """With those that share a file, and whatever else could not be read meanwhile."""
    features(tmp_path, unreadable(0, 1, 2, 3, 5, 9))
    before = (tmp_path / "train" / "features-00002.array_record").stat().st_mtime_ns
    encode = Encoder()
    found = features(tmp_path, unreadable(1, 9), encode)
    assert found.indices.tolist() == [0, 2, 3, 4, 5, 6, 7, 8, 10] and encode.calls == 4
    assert (tmp_path / "train" / "features-00002.array_record").stat().st_mtime_ns == before
    whole = FeatureStore(written / "train").array
    np.testing.assert_array_equal(found.array, whole[found.indices])
    np.testing.assert_array_equal(features(tmp_path).array, whole)
    assert FeatureStore(tmp_path / "train").index == FeatureStore(written / "train").index
    with pytest.raises(FeatureError, match="other pixels or another id of image 5"):
        features(tmp_path, unreadable(5))


def test_what_float16_cannot_hold_is_said(tmp_path):
    dataset = [Example("dark", np.zeros((6, 8, 3), np.uint8)), Example("bright", np.full((6, 8, 3), 255, np.uint8))]
    large = Encoder(scale=300.0)
    with pytest.raises(FeatureError, match=r"image 'bright': got a feature of 76500,.*features_dtype=\"float32\""):
        features(tmp_path / "a", dataset, large)
    found = features(tmp_path / "b", dataset, large, dtype="float32")
    assert found.array[1].max() == 76500
    for dtype in ("float16", "float32"):
        with pytest.raises(FeatureError, match="image 'dark': got features that are not finite"):
            features(tmp_path / "c", dataset, Encoder(scale=np.nan), dtype=dtype)
    with pytest.raises(FeatureError, match="features_dtype='bfloat16', wanted one of float16, float32"):
        features(tmp_path / "d", dtype="bfloat16")


def test_a_disk_that_is_too_small_is_refused_before_the_first_file(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100))
    encode = Encoder()
    with pytest.raises(OSError, match=r"1e-07 GB free, wanted about .*; free some, or choose another features_folder"):
        features(tmp_path, encode=encode)
    assert encode.calls == 1 and not files_in(tmp_path / "train")
