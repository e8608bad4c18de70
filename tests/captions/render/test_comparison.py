"""Several methods side by side: the page, the files and the record."""

import base64
import hashlib
import json
import re

import numpy as np
import pytest

from lrp_jax.captions import render
from lrp_jax.captions.pages.batch import Picture, explain_batch
from lrp_jax.captions.pages.record import record
from lrp_jax.captions.pages.writers import finished, write

HOSTILE = '<script>alert("x")</script>'
METHODS = ("lrp", "grad_cam", "attention")


@pytest.fixture
def compare(make_case):
    """compare(methods, **options of make_case) -> Comparison; each method has its own made-up relevance."""

    def make(methods=METHODS, **options):
        return render.Comparison([make_case(method=m, **({"seed": i} | options)) for i, m in enumerate(methods)])

    return make


def overlays(document):
    """The maps of the table: [word][method] -> data URI."""
    table = document.split('<table class="matrix"')[1]
    rows = re.findall(r'<tr id="w.*?</tr>', table, re.DOTALL)
    return [re.findall(r'class="overlay" src="([^"]*)"', row) for row in rows]


def test_every_word_has_a_map_by_every_method(compare):
    document = render.page(compare())
    found = overlays(document)
    assert [len(row) for row in found] == [3] * 6
    assert len({uri for row in found for uri in row}) == 18
    for label in ("LRP", "Grad-CAM", "attention"):
        assert re.search(rf'<input type="radio" name="method"[^>]*>{label}<', document)
        assert f'<th scope="col">{label}</th>' in document


def test_a_methods_map_is_that_of_its_own_page(compare):
    comparison = compare()
    found = overlays(render.page(comparison))
    for number, case in enumerate(comparison.cases):
        alone = re.findall(r'class="overlay" src="([^"]*)"', render.page(case))[1:]
        assert alone == [row[number] for row in found]


def test_a_scale_belongs_to_one_method(make_case):
    """Relevance a thousand times larger by one method changes neither its own picture nor the others'."""
    lrp, cam = make_case(method="lrp"), make_case(method="grad_cam", seed=1)
    large = make_case(method="lrp", pixels=lrp.explanation.pixels * np.float32(1024))
    plain, other = (render.page(render.Comparison([first, cam])) for first in (lrp, large))
    assert overlays(plain) == overlays(other)
    scales = [re.findall(r'data-scale="([^"]*)"', document) for document in (plain, other)]
    np.testing.assert_allclose(np.array(scales[1], float) / np.array(scales[0], float), [1024, 1], rtol=1e-6)


def test_all_text_is_escaped_and_only_the_own_script_runs(compare):
    caption = ("<start>", "a", HOSTILE, "ball", "</script>", "the", "grass")
    comparison = compare(("lrp", HOSTILE), caption=caption, name=HOSTILE, case={"notes": [HOSTILE]})
    document = render.page(comparison, {HOSTILE: HOSTILE})
    assert "alert" in document and "<script>alert" not in document and document.count("</script>") == 2
    script = document.split("<script>")[1].split("</script>")[0]
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in document
    assert "default-src 'none'" in document and not re.search(r'(src|href)="(?!data:|#)', document)


def test_each_method_has_files_of_its_own_and_one_page(compare, tmp_path):
    comparison = compare(case={"rows": [2, 5]})
    record = write(tmp_path, comparison, fingerprint="f")
    pictures = {f"{stem}_{method}.png" for stem in ("word_03_ball", "word_06_grass", "words") for method in METHODS}
    arrays = {f"relevance_{method}.npz" for method in METHODS}
    assert set(record["files"]) == pictures | arrays | {"report.html", "thumbnail.jpg"}
    assert {path.name for path in tmp_path.iterdir()} == {*record["files"], "record.json"}
    for case in comparison.cases:
        with np.load(tmp_path / f"relevance_{case.explanation.method}.npz", allow_pickle=False) as found:
            np.testing.assert_array_equal(found["pixels"], case.explanation.pixels[[2, 5]])
            assert found["positions"].tolist() == [3, 6] and ("words" in found) == (case.explanation.words is not None)
    assert finished(tmp_path, "f") and not finished(tmp_path, "g")


def test_what_an_earlier_choice_of_methods_left_goes(compare, make_case, tmp_path):
    (tmp_path / "mine.txt").touch()
    write(tmp_path, compare(), ["png", "npz"])
    record = write(tmp_path, make_case(), ["png", "npz"])
    assert "relevance.npz" in record["files"] and "words.png" in record["files"]
    assert {path.name for path in tmp_path.iterdir()} == {*record["files"], "record.json", "mine.txt"}
    record = write(tmp_path, compare(), ["npz"])
    assert {path.name for path in tmp_path.iterdir()} == {*record["files"], "record.json", "mine.txt"}


def test_the_record_holds_every_method(compare, tmp_path):
    comparison = compare(against=np.arange(6))
    write(tmp_path, comparison, ["json"], provenance={"rules": {"lrp": "conv: alpha"}})
    read = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))
    assert list(read["methods"]) == list(METHODS) and read["caption"] == "a red ball on the grass"
    assert read["rules"] == {"lrp": "conv: alpha"}
    for case in comparison.cases:
        found, alone = read["methods"][case.explanation.method], record(case)
        assert found == {key: alone[key] for key in ("method", "head", "against", "words", "scale")}
        assert found["against"] == [0, 1, 2, 3, 4, 5]


def test_a_batch_takes_comparisons_and_its_index_leads_to_them(compare, tmp_path, capsys):
    pictures = [Picture("a.png", lambda: np.zeros((20, 30, 3), np.uint8))]
    for resume, wanted in ((False, (1, 0)), (True, (0, 1))):
        outcome = explain_batch(pictures, lambda *_: compare(), tmp_path, key=b"k", resume=resume)
        assert (outcome.explained, outcome.skipped) == wanted
    assert "[1/1] a.png: a red ball on the grass" in capsys.readouterr().out
    assert 'href="a/report.html"' in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_what_cannot_be_compared_is_refused(make_case):
    lrp = make_case()
    for cases, message in (
        ([], "got no cases"),
        ([lrp, make_case(seed=1)], "got lrp twice"),
        (
            [lrp, make_case(method="gradient", name="other.png")],
            "gradient shows another picture or other words than lrp",
        ),
        ([lrp, make_case(method="gradient", case={"rows": [1]})], "another picture or other words"),
    ):
        with pytest.raises(ValueError, match=message):
            render.Comparison(cases)
