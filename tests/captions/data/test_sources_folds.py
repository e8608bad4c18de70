import itertools

import pytest
import source_files

from lrp_jax.captions.data.sources import source


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds")
    files = [f"{i}.jpg" for i in range(23)]
    source_files.photographs(folder / "images", *files)
    splits = ["train"] * 15 + ["val"] * 3 + ["test"] * 5
    images = [{"file": f, "split": s, "captions": [f"image {f}"]} for f, s in zip(files, splits, strict=True)]
    return source_files.write_json(folder / "captions.json", {"images": images})


def test_every_image_is_tested_once(path):
    tested = []
    for number in range(5):
        splits = source(f"json:{path},fold={number}/5")
        ids = source_files.ids(splits)
        assert sorted(itertools.chain(*ids.values())) == sorted(str(i) for i in range(23))  # each in one split
        assert len(ids["validation"]) == 2 and len(ids["test"]) in (4, 5)
        for split, dataset in splits.items():
            assert all(e.split == split and e.captions == (f"image {e.id}.jpg",) for e in dataset)
        tested += ids["test"]
    assert sorted(tested) == sorted(str(i) for i in range(23))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("5/5", "got fold 5 of 5, wanted at least two folds, numbered from 0"),
        ("0/1", "got fold 0 of 1"),
        ("1", "wanted NUMBER/FOLDS such as 0/5"),
        ("0/30", None),
    ],
)
def test_folds_that_there_are_not(path, option, message):
    if message is None:
        assert len(source(f"json:{path},fold={option}")["test"]) == 1
        option, message = "29/30", "got 23 images, too few for 30 folds"
    with pytest.raises(ValueError, match=message):
        source(f"json:{path},fold={option}")
