"""Bottom-up features are read from every format, and a damaged image loses no other."""

import base64
import csv
import logging
import os
import pickle

import numpy as np
import pytest

from lrp_jax.captions.data.bottom_up import Ids, Regions, read_bottom_up, read_sizes, shares

SIZE = (60, 80)
D = 5


def image(index, regions=4):
    """Features float32 [regions, D] and boxes in pixels of an 80 x 60 image."""
    rng = np.random.default_rng(index)
    corners = rng.random((regions, 2, 2)).astype(np.float32)
    boxes = np.concatenate([corners.min(1), corners.max(1)], 1) * np.array([80, 60, 80, 60], np.float32)
    return rng.random((regions, D)).astype(np.float32) * 30, boxes


def encoded(array, dtype="<f4"):
    return base64.b64encode(np.asarray(array, dtype).tobytes()).decode()


def caffe_row(index, regions=4):
    features, boxes = image(index, regions)
    return [str(index), "80", "60", str(regions), encoded(boxes), encoded(features)]


def write_tsv(path, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file, delimiter="\t").writerows(rows)  # as the projects do, with \r\n at the end of lines
    return path


def write_detectron2_folder(folder, count=3, info=None):
    """What the extractor of MILVLAB writes: beside the arrays an `info` that numpy has to pickle."""
    folder.mkdir()
    for index in range(count):
        features, boxes = image(index)
        np.savez_compressed(
            folder / f"{index:012d}", x=features, bbox=boxes, num_bbox=4, image_h=60, image_w=80,
            info={"objects_id": np.arange(4)} if info is None else info,
        )  # fmt: skip
    return folder


def same(regions, index, count=4):
    features, boxes = image(index, count)
    np.testing.assert_array_equal(regions.features, features)
    np.testing.assert_allclose(regions.boxes, boxes / np.array([80, 60, 80, 60]), rtol=1e-6)
    assert regions.features.dtype == regions.boxes.dtype == np.float32


@pytest.mark.parametrize("header", [False, True])
def test_tsv_of_the_bottom_up_attention_project(tmp_path, header):
    names = [["image_id", "image_w", "image_h", "num_boxes", "boxes", "features"]] if header else []
    path = write_tsv(tmp_path / "a.tsv", [*names, caffe_row(0), caffe_row(1, regions=6)])
    first, second = read_bottom_up(path)
    assert (first.id, first.size, first.names, first.scores) == ("0", SIZE, None, None)
    same(first, 0)
    same(second, 1, 6)
    assert read_bottom_up(path).estimate() in (1, 2, 3)


def test_tsv_of_detectron2(tmp_path):
    features, boxes = image(0)
    row = ["COCO_1", "60", "80", encoded([7, 1, 7, 0], "<i8"), encoded([0.9, 0.5, 0.25, 0.125])]
    row += [encoded(range(4), "<i8"), encoded(range(4)), "4", encoded(boxes), encoded(features)]
    (regions,) = read_bottom_up(write_tsv(tmp_path / "a.tsv", [row]))
    same(regions, 0)
    assert (regions.id, regions.size, regions.names) == ("COCO_1", SIZE, (7, 1, 7, 0))
    np.testing.assert_allclose(regions.scores, [0.9, 0.5, 0.25, 0.125], rtol=1e-6)


def test_a_folder_of_tsv_files_and_bytes_written_as_text(tmp_path):
    row = caffe_row(0)
    write_tsv(tmp_path / "train.tsv.0", [[*row[:4], f"b'{row[4]}'", f"b'{row[5]}'"]])
    write_tsv(tmp_path / "train.tsv.1", [caffe_row(1)])
    first, second = read_bottom_up(tmp_path)
    same(first, 0)
    same(second, 1)


def test_damaged_lines_are_named_and_counted(tmp_path, caplog):
    features, boxes = image(3)
    infinite = np.where(features > 20, np.inf, features)
    rows = [
        caffe_row(0)[:5],
        caffe_row(1),
        [*caffe_row(2)[:5], caffe_row(2)[5][:-3]],
        ["3", "80", "60", "4", encoded(boxes), encoded(infinite)],
        ["4", "80", "60", "7", *caffe_row(4)[4:]],
        ["5", "60", "80", *caffe_row(5)[3:]],
        ["6", "many", *caffe_row(6)[2:]],
        caffe_row(7),
    ]
    source = read_bottom_up(write_tsv(tmp_path / "a.tsv", rows))
    for _ in range(2):  # the count is of one reading
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert [regions.id for regions in source] == ["1", "7"]
        assert source.damaged == 6 == len(caplog.records)
    wanted = ["5 fields", "'2': got features that are not base64", "not finite", "'4'", "80 pixels", "b'many'"]
    for line, what, record in zip((1, 3, 4, 5, 6, 7), wanted, caplog.records, strict=True):
        assert f"a.tsv, line {line} " in record.getMessage() and what in record.getMessage()


def test_an_endless_line_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr("lrp_jax.captions.data.bottom_up.tsv.LONGEST_LINE", 1000)
    rows = [caffe_row(0), ["9", "80", "60", "4", "A" * 5000, "A"], caffe_row(1)]
    source = read_bottom_up(write_tsv(tmp_path / "a.tsv", rows))
    assert [regions.id for regions in source] == ["0", "1"] and source.damaged == 1


def test_the_folder_of_the_detectron2_extractor(tmp_path):
    source = read_bottom_up(write_detectron2_folder(tmp_path / "bua"))
    for index, regions in enumerate(source):
        same(regions, index)
        assert (regions.id, regions.size) == (f"{index:012d}", SIZE)
    assert source.damaged == 0 and source.estimate() == 3


class Hostile:
    """Leaves a file where it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_nothing_is_unpickled(tmp_path, caplog):
    trace = tmp_path / "was-here"
    folder = write_detectron2_folder(tmp_path / "bua", info=Hostile(trace))
    with np.load(folder / "000000000000.npz", allow_pickle=True) as file:
        file["info"]
    assert trace.is_dir()  # the trap works
    trace.rmdir()
    assert len(list(read_bottom_up(folder))) == 3
    np.savez(folder / "a", x=np.array([Hostile(trace)], object), bbox=np.zeros((1, 4)))
    (folder / "b.npz").write_bytes(pickle.dumps(Hostile(trace)))
    np.savez(folder / "c", feat=np.ones((1, D)))
    np.save(folder / "c.npy", np.array([Hostile(trace)], object))
    source = read_bottom_up(folder)
    with caplog.at_level(logging.WARNING):
        assert len(list(source)) == 3 and source.damaged == 3
    assert not trace.exists()


def test_the_folders_of_self_critical(tmp_path, caplog):
    for folder in ("cocobu_att", "cocobu_box", "cocobu_fc"):
        (tmp_path / folder).mkdir()
    for index in (11, 12):
        features, boxes = image(index)
        np.savez_compressed(tmp_path / "cocobu_att" / str(index), feat=features)
        np.save(tmp_path / "cocobu_box" / str(index), boxes)
    sizes = tmp_path / "sizes.json"
    for content in ('{"images": [{"id": 11, "height": 60, "width": 80}]}', '{"COCO_val2014_000000000011": [60, 80]}'):
        sizes.write_text(content)
        for path in (tmp_path, tmp_path / "cocobu_att"):
            source = read_bottom_up(path, sizes=read_sizes(sizes))
            caplog.clear()
            with caplog.at_level(logging.WARNING):
                (regions,) = source
            same(regions, 11)
            assert "12.npz" in caplog.text and "wanted its size" in caplog.text
    sizes.write_text('{"images": [{"id": 11}]}')
    with pytest.raises(ValueError, match=r"sizes\.json: got no sizes"):
        read_sizes(sizes)


def test_other_npz_files(tmp_path, caplog):
    features, boxes = image(0)
    scaled = boxes / np.array([80, 60, 80, 60], np.float32)
    uniter = np.concatenate([scaled, scaled[:, 2:] - scaled[:, :2], np.ones((4, 1))], 1)
    np.savez(tmp_path / "a", features=features, norm_bb=uniter.astype(np.float32), conf=np.linspace(0.2, 0.8, 4))
    np.savez(tmp_path / "b", feat=features)
    np.save(tmp_path / "b.npy", scaled)
    np.savez(tmp_path / "c", features=features, boxes=boxes, image_h=[60.0], image_w=[80.0])
    np.savez(tmp_path / "grid", feat=np.ones((7, 7, D)), boxes=boxes)
    np.savez(tmp_path / "none", feat=features)
    np.savez(tmp_path / "short", x=features, bbox=boxes, num_bbox=5, image_h=60, image_w=80)
    np.savez(tmp_path / "size", x=features, bbox=boxes, image_h=np.inf, image_w=80)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "c.npz").read_bytes()[:300])
    damaged = bytearray((tmp_path / "c.npz").read_bytes())
    damaged[200] ^= 255
    (tmp_path / "flipped.npz").write_bytes(damaged)
    np.save(tmp_path / "array.npy", features)
    (tmp_path / "array.npy").rename(tmp_path / "array.npz")
    source = read_bottom_up(tmp_path)
    with caplog.at_level(logging.WARNING):
        found = list(source)
    assert [(regions.id, regions.size) for regions in found] == [("a", None), ("b", None), ("c", SIZE)]
    for regions in found:
        same(regions, 0)
    np.testing.assert_allclose(found[0].scores, [0.2, 0.4, 0.6, 0.8], rtol=1e-6)
    left_out = ["array", "cut", "flipped", "grid", "none", "short", "size"]
    assert [record.getMessage().split(".npz")[0] for record in caplog.records] == left_out
    assert source.damaged == len(left_out)


def test_what_is_no_source(tmp_path):
    with pytest.raises(FileNotFoundError, match="wanted a tsv file"):
        read_bottom_up(tmp_path / "missing")
    with pytest.raises(ValueError, match="without npz or tsv"):
        read_bottom_up(tmp_path)
    for content in (b"", b"a\tb\tc\n", b"boxes\tfeatures\n"):
        (tmp_path / "a.tsv").write_bytes(content)
        for path in (tmp_path, tmp_path / "a.tsv"):
            with pytest.raises(ValueError, match="no known table"):
                read_bottom_up(path)


def test_regions_hold_together():
    features, boxes = np.ones((3, D)), np.tile([0.0, 0.0, 1.0, 1.0], (3, 1))
    good = Regions("a", features, boxes, SIZE, ("cat",) * 3, np.ones(3))
    assert len(good) == 3 and good.features.dtype == good.scores.dtype == np.float32
    for change in (
        {"features": np.ones((2, D))},
        {"features": np.ones((3, 2, D))},
        {"boxes": boxes[:, ::-1]},
        {"boxes": boxes * 2},
        {"boxes": boxes[:, :3]},
        {"names": ("cat",)},
        {"scores": np.full(3, np.nan)},
    ):
        with pytest.raises(ValueError, match=r"^image 'a': got [^\n]+, wanted|^image 'a': got [^\n]+ not finite"):
            Regions(**{"id": "a", "features": features, "boxes": boxes, **change})


def test_shares_of_pixels():
    # Width 80, height 60: a quarter of the width, half of the height; and a box that a detector rounded outwards.
    boxes = shares(np.array([[20, 30, 80, 60], [-0.5, 0, 80.5, 60]]), SIZE)
    np.testing.assert_allclose(boxes, [[0.25, 0.5, 1, 1], [0, 0, 1, 1]])
    with pytest.raises(ValueError, match=r"image 'a'.*80 x 60 pixels"):
        shares(np.array([[0, 0, 60, 80]]), SIZE, "a")


def test_ids_are_found_in_any_spelling():
    coco = Ids(["COCO_train2014_000000084002", "COCO_train2014_000000131486"])
    for id in ("COCO_train2014_000000084002", 84002, "84002", "000000084002", "000000084002.jpg",
               "train2014/COCO_train2014_000000084002.jpg"):  # fmt: skip
        assert coco.find(id) == "COCO_train2014_000000084002"
    assert coco.find(131487) is None and coco.find("cat") is None and coco.find("COCO_val2014_000000084002") is None
    bare = Ids(["84002", "12"])
    assert bare.find("COCO_train2014_000000084002.jpg") == bare.find("000000084002") == "84002"
    # Numbers are ids only where one side is nothing else: two splits of one dataset are different images, and the
    # last digits of a hexadecimal name are no number.
    assert Ids(["scenes-train-0-00012"]).find("scenes-test-0-00012") is None
    assert Ids(["1002674143_1b742ab4b8"]).find("8") is None
    assert Ids(["img.1"]).find("img.2") is None
    # What could mean two images means none.
    assert Ids(["a_12", "b_12"]).find(12) is None and Ids(["a/x.jpg", "b/x.jpg"]).find("x") is None


@pytest.mark.realdata
def test_features_of_photographs(realdata):
    source = read_bottom_up(realdata / "bottom_up" / "train2014_obj36.tsv")
    photographs = Ids(path.name for path in (realdata / "bottom_up" / "images").iterdir())
    count = 0
    for regions in source:
        count += 1
        assert regions.features.shape == (36, 2048) and regions.boxes.shape == (36, 4)
        assert regions.features.min() >= 0  # mean of what a ReLU gave
        height, width = regions.size
        assert 100 < height <= 640 and 100 < width <= 640
        assert (regions.boxes[:, 2:] > regions.boxes[:, :2]).all()
        assert 0 < regions.scores.min() <= regions.scores.max() <= 1
        assert 0 <= min(regions.names) <= max(regions.names) < 1600
        assert photographs.find(regions.id) is not None
    assert (count, source.damaged) == (10, 0)
