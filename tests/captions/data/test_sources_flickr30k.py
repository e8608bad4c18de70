import json
import re

import numpy as np
import pytest
import source_files

from lrp_jax.captions.data.sources import source
from lrp_jax.captions.images import load_image

STEMS = [str(1000 + number) for number in range(10)]
TEXTS = ["Two young guys , in the yard .", 'A man says " stop " .']


def flickr30k(folder, text=None, name="results_20130124.token", images="flickr30k-images"):
    """The folder of Flickr30k with ten pictures of two captions each."""
    source_files.photographs(folder / images, *(f"{stem}.jpg" for stem in STEMS))
    (folder / name).write_bytes((token() if text is None else text).encode())
    return f"flickr30k:{folder}"


def token(stems=STEMS):
    return "".join(f"{stem}.jpg#{n}\t{text}\n" for stem in stems for n, text in enumerate(TEXTS))


def captions_of(splits):
    return {example.id: example.captions for dataset in splits.values() for example in dataset}


def test_the_original_file_and_a_split_that_is_kept(tmp_path):
    splits = source(flickr30k(tmp_path))
    assert source_files.sizes(splits) == {"train": 8, "validation": 1, "test": 1} and not splits.skipped
    assert captions_of(splits) == dict.fromkeys(STEMS, tuple(TEXTS))
    example = splits["test"][0]
    assert example.image == tmp_path / "flickr30k-images" / f"{example.id}.jpg"
    assert load_image(example.image, (24, 32)).shape == (24, 32, 3)
    record = json.loads((tmp_path / "split_seed0.json").read_text())
    assert record["ids"] == {split: source_files.ids(splits)[split] for split in ("validation", "test")}
    backwards = "".join(reversed(token().splitlines(keepends=True)))
    (tmp_path / "split_seed0.json").unlink()
    assert source_files.ids(source(flickr30k(tmp_path, backwards)))["test"] == [example.id]
    assert source_files.ids(source(str(tmp_path)))["test"] == [example.id]
    assert source_files.ids(source(f"{tmp_path}/results_20130124.token"))["test"] == [example.id]


BARS = "image_name| comment_number| comment\n" + "".join(
    f"{stem}.jpg| {n}| {text}\n" for stem in STEMS for n, text in enumerate(TEXTS)
)
COMMAS = "image,caption\r\n" + "".join(
    f"{stem}.jpg,{text}\r\n" for stem in STEMS for text in ('"Two young guys , in the yard ."', TEXTS[1])
)
NUMBERED = "\ufeffimage_name,comment_number,comment\n" + "".join(
    f'{stem}.jpg,{n}, "{text}"\n'
    for stem in STEMS
    for n, text in enumerate(("Two young guys , in the yard .", 'A man says "" stop "" .'))
)


@pytest.mark.parametrize(
    ("name", "text", "images"),
    [
        ("results.csv", BARS, "flickr30k_images/flickr30k_images"),
        ("captions.txt", COMMAS, "Images"),
        ("captions.csv", NUMBERED, "images"),
        ("captions.txt", COMMAS.replace('"Two young guys , in the yard ."', TEXTS[0]), ""),
    ],
)
def test_other_files_of_captions(tmp_path, name, text, images):
    splits = source(flickr30k(tmp_path, text, name, images))
    assert captions_of(splits) == dict.fromkeys(STEMS, tuple(TEXTS)) and not splits.skipped


def test_a_file_of_captions_may_be_named_itself(tmp_path):
    flickr30k(tmp_path)
    spec = flickr30k(tmp_path, BARS.replace("guys", "men"), "results.csv")
    for name in (f"{tmp_path}/results.csv", f"{spec}/results.csv"):
        splits = source(name)
        assert splits["train"][0].captions == (TEXTS[0].replace("guys", "men"), TEXTS[1])
        assert splits.name == f"{spec}/results.csv"


def test_the_known_row_without_its_second_bar(tmp_path):
    row = "1003.jpg| 4   A dog runs across the grass .\n"
    splits = source(flickr30k(tmp_path, BARS + row, "results.csv"))
    assert captions_of(splits)["1003"] == (*TEXTS, "A dog runs across the grass .") and not splits.skipped


@pytest.mark.parametrize(
    ("name", "text", "extra", "skipped"),
    [
        ("results.csv", BARS, "1003.jpg| four dogs\n1004.jpg\n", 2),
        # A quotation mark that is never closed takes nothing of the next line.
        ("captions.txt", COMMAS, '1003.jpg,"A dog\r\n1004.jpg,"and more"\r\nonly this\r\n', 2),
    ],
)
def test_a_damaged_row_costs_no_other(tmp_path, name, text, extra, skipped):
    header, *rows = text.splitlines(keepends=True)
    splits = source(flickr30k(tmp_path, header + extra + "".join(rows), name))
    assert splits.skipped == {"line that is not a row of the table": skipped}
    found = captions_of(splits)
    assert found.pop("1004")[-2:] == tuple(TEXTS)
    assert found == dict.fromkeys([stem for stem in STEMS if stem != "1004"], tuple(TEXTS))


def test_odd_captions_stay_with_their_image(tmp_path):
    odd = f"1001.jpg#2\t{source_files.ODD}\n1002.jpg#2\tUn garçon\u2029 court .\r\n1003.jpg#2\t\nnonsense\n"
    splits = source(flickr30k(tmp_path, odd + token()))
    found = captions_of(splits)
    assert found["1001"] == ("A man on a horse .", *TEXTS) and found["1002"] == ("Un garçon court .", *TEXTS)
    assert all(found[stem] == tuple(TEXTS) for stem in STEMS if stem not in ("1001", "1002"))
    assert splits.skipped == {"caption without a word": 1, "line that is not a caption": 1}


def test_lists_of_the_splits(tmp_path):
    spec = flickr30k(tmp_path)
    (tmp_path / "train.txt").write_text("".join(f"{stem}\n" for stem in STEMS[:6]))
    (tmp_path / "val.txt").write_text("1006\n1007.jpg\n\n1008\n1001\n")
    (tmp_path / "test.txt").write_text("1008\n1000\n4242\n")
    splits = source(spec)
    assert source_files.ids(splits) == {
        "train": STEMS[2:6],
        "validation": ["1001", "1006", "1007"],
        "test": ["1000", "1008"],
    }
    assert splits.skipped == {
        "image in two splits": 3,  # which are each in the one that suffers most of a leak
        "image of a split without captions": 1,
        "image in no split": 1,
    }
    assert not (tmp_path / "split_seed0.json").exists()


def test_missing_pieces_are_one_error_each(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*results_20130124\.token: .*DenotationGraph"):
        source(f"flickr30k:{tmp_path}")
    (tmp_path / "results.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"results\.csv: wanted a header line with file and caption, got 'a,b'"):
        source(f"flickr30k:{tmp_path}")
    (tmp_path / "results.csv").write_bytes(b"image,caption\n1.jpg,caf\xe9\n")
    with pytest.raises(ValueError, match="not UTF-8 at byte 23; save it as UTF-8"):
        source(f"flickr30k:{tmp_path}")
    (tmp_path / "results.csv").write_text("")
    with pytest.raises(ValueError, match="wanted a header line"):
        source(f"flickr30k:{tmp_path}")
    (tmp_path / "results.csv").write_text(BARS)
    with pytest.raises(FileNotFoundError, match=r"no images: looked for .*flickr30k-images/1000\.jpg and"):
        source(f"flickr30k:{tmp_path}")
    with pytest.raises(FileNotFoundError, match=r"no folder .*Annotations: .*flickr30k_entities"):
        source(flickr30k(tmp_path) + f",entities={tmp_path}/none")


XML = """<annotation><filename>1000.jpg</filename>
<size><width>500</width><height>200</height><depth>3</depth></size>
<object><name>1</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>250</xmax><ymax>200</ymax></bndbox></object>
<object><name>1</name><name>2</name>
  <bndbox><xmin>101</xmin><ymin>51</ymin><xmax>200</xmax><ymax>100</ymax></bndbox></object>
<object><name>4</name><scene>1</scene><nobndbox>1</nobndbox></object>
<object><name>77</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>
</annotation>"""

SENTENCES = """[/EN#1/people Two young guys] with [/EN#2/bodyparts/people shaggy hair] in [/EN#4/scene the yard] .
[/EN#1/other Guys] look at [/EN#0/notvisual each other] and [/EN#1/people the men] talk .
"""

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><annotation><size>'
    "<width>5</width><height>5</height></size><object><name>&b;</name></object></annotation>"
)


def entities(folder, xml=XML, sentences=SENTENCES, stem="1000"):
    for part, ending, text in (("Annotations", "xml", xml), ("Sentences", "txt", sentences)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / f"{stem}.{ending}").write_text(text)
    return folder


def test_boxes_of_entities_have_the_type_of_their_phrases(tmp_path):
    entities(tmp_path / "entities")
    entities(tmp_path / "entities", XML.replace("bndbox", "nobox"), stem="1001")
    splits = source(flickr30k(tmp_path) + f",entities={tmp_path}/entities")
    examples = {example.id: example for dataset in splits.values() for example in dataset}
    assert examples["1000"].names == ("people", "people", "bodyparts") and examples["1001"].names == ()
    box = [0.2, 0.25, 0.4, 0.5]
    np.testing.assert_allclose(examples["1000"].boxes, [[0, 0, 0.5, 1], box, box], rtol=1e-6)
    assert splits.skipped == {"box without a phrase": 1, "image without entities": 8}
    # They are found in the folder itself, and for Karpathy's file too.
    entities(tmp_path)
    again = source(f"flickr30k:{tmp_path}")
    assert {e.id: e.names for d in again.values() for e in d}["1000"] == ("people", "people", "bodyparts")
    images = [
        {"filename": f"{stem}.jpg", "split": split, "sentences": [{"raw": "A dog."}], "imgid": 0}
        for stem, split in zip(STEMS, ("train", "val", "test"), strict=False)
    ]
    path = source_files.write_json(tmp_path / "dataset_flickr30k.json", {"images": images, "dataset": "flickr30k"})
    splits = source(f"karpathy:{path},entities={tmp_path}/entities")
    assert splits["train"][0].id == "1000" and splits["train"][0].names == ("people", "people", "bodyparts")
    with pytest.raises(
        ValueError, match=r"several sources: choose one, karpathy:.*dataset_flickr30k\.json or flickr30k:"
    ):
        source(str(tmp_path))


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        (BOMB, "a document type 'lolz' is refused"),
        ('<?xml version="1.0" encoding="none-1"?>' + XML, "unknown encoding: none-1"),
        (XML[:200], "no element found|unclosed"),
        (XML.replace("<size>", "<none>").replace("</size>", "</none>"), "no width"),
        (XML.replace("500", "0"), "has no image size"),
        (XML.replace("<xmin>1</xmin>", "<xmin>one</xmin>"), "could not convert"),
    ],
)
def test_damaged_entities_cost_their_boxes_only(tmp_path, caplog, xml, why):
    entities(tmp_path, xml)
    entities(tmp_path, stem="1001")
    splits = source(flickr30k(tmp_path))
    examples = {example.id: example for dataset in splits.values() for example in dataset}
    assert len(examples) == 10 and examples["1000"].names == () and len(examples["1001"].names) == 3
    assert splits.skipped["entities that are damaged"] == 1
    assert any(re.search(f"entities that are damaged .1000: .*({why})", line) for line in caplog.messages)
