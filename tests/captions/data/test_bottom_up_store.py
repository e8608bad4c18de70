"""Bottom-up features survive the conversion into a store, also one that was interrupted."""

import base64
import json
import logging
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lrp_jax.captions.data.bottom_up import Regions, RegionStore, conversion, convert, read_bottom_up, stored_features
from lrp_jax.captions.data.bottom_up.record import fit
from lrp_jax.captions.images import Example
from lrp_jax.cli.convert import main

D = 6


def image(index, count=4):
    """Features, boxes as shares and scores of an image."""
    rng = np.random.default_rng(index)
    corners = rng.random((count, 2, 2)).astype(np.float32)
    features = rng.standard_normal((count, D)).astype(np.float32)
    return features, np.concatenate([corners.min(1), corners.max(1)], 1), rng.random(count).astype(np.float32)


def write(folder, count=10, regions=4):
    folder.mkdir(exist_ok=True)
    for index in range(count):
        features, boxes, scores = image(index, regions)
        np.savez(
            folder / f"image_{index:04d}",
            **{"x": features, "norm_bb": boxes, "scores": scores, "objects_id": np.arange(regions)},
            **{"image_h": 60, "image_w": 80},
        )
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write(tmp_path_factory.mktemp("source") / "npz")


@pytest.fixture(scope="module")
def finished(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store") / "store"
    convert(source, folder, "float32", 4, shard_images=4)
    return folder


@pytest.fixture
def store_folder(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "copy")


def test_float32_is_exact(source, finished):
    store = RegionStore(finished)
    assert (len(store), store.n_v, store.d) == (10, 4, D)
    assert [len(shard.ids) for shard in store.index.shards] == [4, 4, 2]
    originals = list(read_bottom_up(source))
    assert store.ids == tuple(regions.id for regions in originals)
    for wanted in reversed(originals):
        got = store[wanted.id]
        for field in ("features", "boxes", "scores"):
            np.testing.assert_array_equal(getattr(got, field), getattr(wanted, field))
        assert (got.id, got.size, got.names) == (wanted.id, (60, 80), (0, 1, 2, 3))
        assert got.features.dtype == np.float32
    store.verify()


def test_float16_is_close_and_refuses_what_it_cannot_hold(source, tmp_path, caplog):
    store = RegionStore((convert(source, tmp_path / "store", regions=4), tmp_path / "store")[1])
    for regions in read_bottom_up(source):
        got = store[regions.id]
        np.testing.assert_allclose(got.features, regions.features, rtol=1e-3, atol=1e-6)
        np.testing.assert_array_equal(got.boxes, regions.boxes)
    large = tmp_path / "large"
    write(large, 2)
    features, boxes, _ = image(0)
    np.savez(large / "image_0000", x=features * 1e5, norm_bb=boxes)
    with caplog.at_level(logging.WARNING):
        assert convert(large, tmp_path / "b", regions=4).damaged == 1
    assert "float32" in caplog.text
    assert len(convert(large, tmp_path / "c", "float32", 4)) == 2


def test_what_the_source_does_not_say_stays_unknown(tmp_path):
    features, boxes, _ = image(0)
    (tmp_path / "npz").mkdir()
    np.savez(tmp_path / "npz" / "a", x=features, norm_bb=boxes)
    convert(tmp_path / "npz", tmp_path / "store", regions=4)
    regions = RegionStore(tmp_path / "store")["a"]
    assert (regions.size, regions.names, regions.scores) == (None, None, None)


def test_more_regions_keep_the_surest():
    features, boxes, _ = image(0, 5)
    scores, names = np.array([0.1, 0.9, 0.2, 0.8, 0.2]), tuple("abcde")
    cut = fit(Regions("a", features, boxes, names=names, scores=scores), 3)
    assert cut.names == ("b", "c", "d")  # of two that are equally sure the first
    np.testing.assert_array_equal(cut.features, features[1:4])
    np.testing.assert_array_equal(cut.boxes, boxes[1:4])
    np.testing.assert_array_equal(fit(Regions("a", features, boxes), 3).features, features[:3])


def test_fewer_regions_keep_the_mean():
    features, boxes, scores = image(0, 3)
    padded = fit(Regions("a", features, boxes, scores=scores), 7)
    np.testing.assert_array_equal(padded.features[:3], features)
    np.testing.assert_allclose(padded.features.mean(0), features.mean(0), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(padded.boxes[3:], np.tile([0, 0, 1, 1], (4, 1)))
    assert not padded.scores[3:].any()


def test_counts_and_names(tmp_path, caplog):
    folder = write(tmp_path / "npz", 3)
    write(tmp_path / "npz", 1, regions=3)
    features, boxes, _ = image(9, 6)
    np.savez(folder / "more", x=features, norm_bb=boxes, objects_id=[0, 1, 2, 3, 0, 9])
    np.savez(folder / "narrow", x=features[:, 1:], norm_bb=boxes)
    (folder / "broken.npz").write_bytes(b"PK")
    with caplog.at_level(logging.WARNING):
        index = convert(folder, tmp_path / "store", regions=4, names=("cat", "dog", "bird", "cow"))
    # `more` has a class without a name, `narrow` another number of channels.
    assert (len(index), index.entries, index.damaged, index.padded, index.cut) == (3, 6, 3, 1, 0)
    assert "class 9, wanted 0 to 3" in caplog.text
    assert "(4, 5), wanted (4, 6) as for the first image" in caplog.text
    store = RegionStore(tmp_path / "store")
    assert store["image_0000"].names == ("cat", "dog", "bird", "") and store["image_0001"].names[3] == "cow"


def test_repeated_images_are_left_out(tmp_path):
    def line(index):
        features, boxes, _ = image(index)
        arrays = [base64.b64encode(a.astype("<f4").tobytes()).decode() for a in (boxes * 50, features)]
        return "\t".join(["7", "50", "50", "4", *arrays]) + "\n"

    (tmp_path / "a.tsv").write_text(line(0) + line(1))
    index = convert(tmp_path / "a.tsv", tmp_path / "store", "float32", 4)
    assert (len(index), index.repeated) == (1, 1)
    np.testing.assert_array_equal(RegionStore(tmp_path / "store")["7"].features, image(0)[0])


class Stop(Exception):
    pass


@pytest.fixture
def interrupted(source, tmp_path, monkeypatch):
    """A store whose conversion stopped at the eighth of ten images, in the second file of four."""
    packed, count = conversion.pack, 0

    def failing(*arguments):
        nonlocal count
        count += 1
        if count == 8:
            raise Stop
        return packed(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(conversion, "pack", failing)
        with pytest.raises(Stop):
            convert(source, tmp_path / "store", "float32", 4, shard_images=4)
    return tmp_path / "store"


def test_an_interrupted_conversion_goes_on(source, finished, interrupted, monkeypatch):
    assert sorted(path.name for path in interrupted.iterdir()) == [".lock", "index.json", "regions-00000.array_record"]
    with pytest.raises(ValueError, match="incomplete store of 4 images"):
        RegionStore(interrupted)
    kept = (interrupted / "regions-00000.array_record").stat().st_mtime_ns
    (interrupted / ".regions-00001.array_record.1.tmp").write_bytes(b"left by a process that was killed")
    packed, count = conversion.pack, 0

    def counting(*arguments):
        nonlocal count
        count += 1
        return packed(*arguments)

    monkeypatch.setattr(conversion, "pack", counting)
    index = convert(source, interrupted, "float32", 4, shard_images=4)
    assert count == 6 and index.complete
    assert (interrupted / "regions-00000.array_record").stat().st_mtime_ns == kept
    assert sorted(p.name for p in interrupted.iterdir()) == sorted(p.name for p in finished.iterdir())
    assert index == RegionStore(finished).index  # down to the checksums
    RegionStore(interrupted).verify()
    assert convert(source, interrupted, "float32", 4) == index and count == 6  # nothing is left to do


def test_a_store_of_another_source_or_other_options_is_not_mixed(source, interrupted, tmp_path):
    other = write(tmp_path / "other", 11)
    for arguments, what in (
        ((other, interrupted, "float32", 4), "source"),
        ((source, interrupted, "float16", 4), "dtype 'float32', wanted 'float16'"),
        ((source, interrupted, "float32", 5), "n_v 4, wanted 5"),
    ):
        with pytest.raises(ValueError, match=what):
            convert(*arguments)
    with pytest.raises(ValueError, match="names None, wanted"):
        convert(source, interrupted, "float32", 4, names=("a",) * 4)


def test_a_disk_that_is_too_small_is_refused_at_once(source, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(OSError, match="1e-06 GB free, wanted about"):
        convert(source, tmp_path / "new" / "store", regions=4)
    assert not (tmp_path / "new").exists()


def test_damage_is_found(store_folder):
    shard = store_folder / "regions-00001.array_record"
    whole, index = shard.read_bytes(), (store_folder / "index.json").read_text()

    shard.write_bytes(whole[:-10])
    with pytest.raises(ValueError, match=r"regions-00001\.array_record: got \d+ bytes, wanted"):
        RegionStore(store_folder)
    shard.unlink()
    with pytest.raises(ValueError, match="got 0 bytes"):
        RegionStore(store_folder)

    flipped = bytearray(whole)
    flipped[700] ^= 255  # within the records: the rest of the 64 kB block is padding
    shard.write_bytes(flipped)
    store = RegionStore(store_folder)
    with pytest.raises(ValueError, match="CRC-32"):
        store.verify()
    with pytest.raises(ValueError, match=r"regions-00001\.array_record: got a damaged record"):
        for id in store.ids:
            store[id]

    # Two files of one length exchanged: each record says whose it is.
    (store_folder / "regions-00000.array_record").rename(shard)
    (store_folder / "regions-00000.array_record").write_bytes(whole)
    content = json.loads(index)
    for record in content["shards"][:2]:
        record["bytes"] = (store_folder / record["file"]).stat().st_size
    (store_folder / "index.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"'image_0000'.*checksum"):
        RegionStore(store_folder)["image_0000"]

    for change in ({"version": 2}, {"kind": "other"}, {"dtype": "object"}, {"shards": None}, {"n_v": 0}, {"more": 1}):
        (store_folder / "index.json").write_text(json.dumps({**json.loads(index), **change}))
        with pytest.raises(ValueError, match=r"index\.json: got"):
            RegionStore(store_folder)
    for text in ("", "[]", "{}", index[:100]):
        (store_folder / "index.json").write_text(text)
        with pytest.raises(ValueError, match=r"index\.json: got no index"):
            RegionStore(store_folder)
    with pytest.raises(FileNotFoundError, match="wanted a store"):
        RegionStore(store_folder.parent)


def test_ids_threads_and_pickles(finished):
    store = RegionStore(finished)
    assert 3 in store and "a/image_0003.jpg" in store and "image_0010" not in store and 10 not in store
    assert store["image_0003.jpg"].id == store[3].id == "image_0003"
    with pytest.raises(KeyError, match="image_0010"):
        store["image_0010"]
    with ThreadPoolExecutor(8) as pool:
        order = np.random.default_rng(0).integers(0, 10, 200).tolist()
        for index, regions in zip(order, pool.map(store.__getitem__, order), strict=True):
            np.testing.assert_array_equal(regions.features, image(index)[0])
    copy = pickle.loads(pickle.dumps(store))
    np.testing.assert_array_equal(copy[9].features, image(9)[0])


def test_features_of_a_dataset(finished, caplog):
    pixels = np.zeros((2, 2, 3), np.uint8)
    dataset = [Example(f"image_{i:04d}", pixels, captions=(f"image {i}", "a")) for i in (7, 30, 2, 31, 9)]
    with caplog.at_level(logging.WARNING):
        features = stored_features(dataset, RegionStore(finished))
    assert "2 of 5 images" in caplog.text and "image_0030, image_0031" in caplog.text
    assert features.array.shape == (3, 4, D) and features.array.dtype == np.float32
    assert features.boxes.shape == (3, 4, 4) and len(features.boxes) == len(features.array) == 3
    assert features.grid is None and features.indices.tolist() == [0, 2, 4]
    assert features.captions == tuple((f"image {i}", "a") for i in (7, 2, 9))
    for row, boxes, index in zip(features.array, features.boxes, (7, 2, 9), strict=True):
        np.testing.assert_array_equal(row, image(index)[0])
        np.testing.assert_array_equal(boxes, image(index)[1])
    np.testing.assert_array_equal(features.array[np.array([2, 0, 2])], [image(i)[0] for i in (9, 7, 9)])
    with pytest.raises(ValueError, match="none of the 1 images"):
        stored_features(dataset[1:2], RegionStore(finished))
    dataset[1] = Example("image_0005", pixels)  # nothing is said about it: neither to be trained on nor to be scored
    assert stored_features(dataset, RegionStore(finished)).indices.tolist() == [0, 2, 4]


def test_features_of_a_damaged_record_name_the_file(store_folder):
    shard = store_folder / "regions-00002.array_record"
    shard.write_bytes(bytes(shard.stat().st_size))
    dataset = [Example(f"image_{i:04d}", np.zeros((2, 2, 3), np.uint8), captions=(f"{i}",)) for i in (9, 1, 8, 0)]
    features = stored_features(dataset, RegionStore(store_folder))
    np.testing.assert_array_equal(features.array[1::2], [image(i)[0] for i in (1, 0)])  # of another file
    for read in (features.array, features.boxes):
        with pytest.raises(ValueError, match=r"regions-00002\.array_record: got a damaged record"):
            read[np.arange(2)]


def test_the_script(source, tmp_path, capsys):
    names = tmp_path / "names.txt"
    names.write_text("cat,kitten\ndog\nbird\ncow,cattle\n")
    command = [str(source), str(tmp_path / "store"), "--regions=4", "--dtype=float32", f"--names={names}"]
    assert main("lrp-jax convert", command) == 0
    assert "10 images of 4 x 6 float32 from a folder of npz files" in capsys.readouterr().out
    assert RegionStore(tmp_path / "store")[3].names == ("cat", "dog", "bird", "cow")
    assert main("lrp-jax convert", [*command, "--regions=5"]) == 1
    error = capsys.readouterr().err
    assert "n_v 4, wanted 5" in error and error.count("\n") == 1
    assert main("lrp-jax convert", [str(tmp_path / "missing"), str(tmp_path / "b")]) == 1
    broken = write(tmp_path / "broken", 2)
    (broken / "zero.npz").write_bytes(b"")
    assert main("lrp-jax convert", [str(broken), str(tmp_path / "c"), "--regions=4"]) == 3
    assert "left out 1 damaged" in capsys.readouterr().out
    (broken / "image_0000.npz").write_bytes(b"")
    (broken / "image_0001.npz").write_bytes(b"")
    assert main("lrp-jax convert", [str(broken), str(tmp_path / "d"), "--regions=4"]) == 1
    assert "no image that can be read" in capsys.readouterr().err


@pytest.mark.realdata
def test_real_features_survive(realdata, tmp_path):
    source = realdata / "bottom_up" / "train2014_obj36.tsv"
    index = convert(source, tmp_path / "store")
    assert (len(index), index.n_v, index.d, index.damaged, index.cut) == (10, 36, 2048, 0, 0)
    store = RegionStore(tmp_path / "store")
    for regions in read_bottom_up(source):
        got = store[int(regions.id[-12:])]
        np.testing.assert_allclose(got.features, regions.features, rtol=1e-3, atol=1e-6)
        assert (got.names, got.size) == (regions.names, regions.size)
