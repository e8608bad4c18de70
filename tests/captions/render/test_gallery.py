"""The index over many images, as a document; `test_browser` has what it does."""

import base64
import hashlib
import json
import re

import numpy as np
import pytest

from lrp_jax.captions.pages.writers import write, write_index
from lrp_jax.captions.render import Entry, ObjectWord, RatedObject, index, suspicion
from lrp_jax.captions.render.gallery import AT_ONCE

HOSTILE = '</noscript><script>alert("x")</script>'


def entry(number, *objects, caption="a cat", name=None):
    found = [RatedObject(word, category, 2, value) for word, category, value in objects]
    return Entry(name or f"{number}.png", caption, f"{number}/report.html", f"{number}/t.jpg", 440, 200, "cat", found)


def ranks(document):
    return [
        None if rank == "" else float(rank)
        for rank in re.findall(r'data-word="[^"]*"(?: data-rank="([\d.]+)")?', document)
    ]


def test_the_index_leads_to_the_pages_and_to_their_words():
    entries = [
        Entry(HOSTILE, f"a {HOSTILE}", "a%20b/report.html", "a%20b/thumbnail.jpg", 440, 200, "dog"),
        entry(2, ("cat", "cat", None)),
    ]
    document = index(entries)
    links = re.findall(r'class="caption" href="([^"]*)"', document)
    assert links == ["a%20b/report.html", "2/report.html"] and 'href="2/report.html#w2"' in document
    assert document.count('loading="lazy"') == 2 and "2 images" in document
    assert "<script>alert" not in document and document.count("</script>") == 1 and document.count("&lt;/noscript") == 2


def test_only_its_own_script_runs_and_it_holds_no_pictures():
    document = index([entry(number) for number in range(300)])
    script = document.split("<script>")[1].split("</script>")[0]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', document)[1]
    assert policy.startswith("default-src 'none'; img-src 'self' file: data:;")
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert ";base64," not in document


def test_it_grows_by_a_kilobyte_with_each_image():
    objects = [("dog", "dog", 0.1), ("frisbee", "frisbee", 0.2)]
    small, large = (len(index([entry(i, *objects) for i in range(n)])) for n in (200, 2200))
    assert (large - small) / 2000 < 1100


def test_what_does_not_fit_the_first_look_waits_in_a_noscript():
    document = index([entry(number) for number in range(AT_ONCE + 5)])
    now, later = document.split("<noscript>")
    assert now.count("<li>") == AT_ONCE and later.count("<li>") == 5
    assert "<noscript>" not in index([entry(number) for number in range(AT_ONCE)])


def test_suspicion_is_a_rank_among_all_objects():
    entries = [
        entry(0, ("dog", "dog", 0.5), ("cat", "cat", -1.0)),
        entry(1, ("dog", "dog", 0.1)),
        entry(2, ("bird", "bird", None), ("cow", "cow", 0.1), ("man", "person", 7.0)),
    ]
    assert ranks(index(entries)) == [75, 0, 37.5, None, 37.5, 100]
    assert "among the 5 objects named here: weak evidence" in index(entries)


def test_without_two_objects_to_compare_there_is_no_rank():
    for objects in ([("dog", "dog", 0.5)], [("dog", "dog", None), ("cat", "cat", None)], []):
        document = index([entry(0, *objects)])
        assert set(ranks(document)) <= {None} and "suspicion" not in document.split("<script>")[0].lower()


def test_objects_are_offered_with_the_number_of_captions_that_name_them():
    entries = [
        entry(0, ("dog", "dog", None), ("dog", "dog", None)),
        entry(1, ("puppy", "dog", None), ("man", "person", None)),
        entry(2, ("cat", "cat", None)),
    ]
    offered = re.findall(
        r'<option value="([^"]*)">([^<]*)', index(entries).split('id="object"')[1].split("</select>")[0]
    )
    assert [value for value, _ in offered] == [
        "", "c cat", "c dog", "w dog/dog", "w dog/puppy", "c person", "w person/man",
    ]  # fmt: skip
    assert offered[2][1] == "dog (2)" and "(1)" in offered[3][1]


def test_objects_come_from_the_records(make_case, tmp_path):
    cases = [make_case(seed=seed, case={"objects": [ObjectWord("ball", "sports ball", 3)]}) for seed in range(3)]
    for number, case in enumerate(cases):
        write(tmp_path / str(number), case, ["html"])
    assert write_index(tmp_path) == 3
    found = ranks((tmp_path / "index.html").read_text(encoding="utf-8"))
    order = np.argsort([suspicion(case, 3) for case in cases])
    assert [found[i] for i in order] == [0, 50, 100]


@pytest.mark.parametrize(
    "objects",
    [3, {}, [3], [{}], [{"word": "a", "category": "b", "position": "x", "suspicion": 1}], None],
)
def test_objects_that_are_not_as_we_write_them_are_left_out(make_case, tmp_path, objects):
    write(tmp_path / "one", make_case(), ["html"])
    path = tmp_path / "one" / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"objects": objects}), encoding="utf-8")
    assert write_index(tmp_path) == 1
    assert ranks((tmp_path / "index.html").read_text(encoding="utf-8")) == []
