import base64
import hashlib
import html.parser
import io
import re

import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions.render import ORANGE_BLUE, common_scale, maps, page, signed

HOSTILE = '<script>alert("x")</script>'


class Reader(html.parser.HTMLParser):
    """Collects elements with their attributes, and the text outside of scripts and styles."""

    def __init__(self, document):
        super().__init__()
        self.elements, self.text, self._raw = [], "", None
        self.feed(document)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._raw = tag if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self._raw = None

    def handle_data(self, data):
        if self._raw is None:
            self.text += data

    def of(self, tag, css_class=None):
        return [
            attrs
            for name, attrs in self.elements
            if name == tag and (css_class is None or css_class in attrs.get("class", "").split())
        ]


def test_every_word_has_its_map_its_context_and_its_numbers(make_case):
    case = make_case()
    reader = Reader(page(case))
    assert [attrs["id"] for attrs in reader.of("article", "entry")] == ["w1", "w2", "w3", "w4", "w5", "w6"]
    overlays = [attrs["src"] for attrs in reader.of("img", "overlay")]
    assert len(overlays) == 1 + 6 and len(set(overlays)) == 6
    for row in range(6):
        assert signed(float(case.explanation.logits[row])) in reader.text
        assert f"{case.explanation.betas[row]:.2f}" in reader.text
    scale = common_scale(maps(case))
    assert signed(scale) in reader.text and signed(-scale) in reader.text


def test_the_overlay_in_the_page_is_the_map(make_case):
    case = make_case()
    reader = Reader(page(case))
    source = reader.of("img", "overlay")[1]["src"]
    kind, _, data = source.partition(",")
    assert kind == "data:image/png;base64"
    decoded = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")).astype(int)
    relevance = maps(case)[0]
    assert decoded.shape == (48, 48, 4)
    visible = decoded[..., 3] > 0
    assert visible.mean() > 0.1
    np.testing.assert_array_equal(decoded[visible][:, 0] > decoded[visible][:, 2], relevance[visible] > 0)


def test_the_page_opens_with_the_word_that_the_picture_supports_most(make_case):
    pixels = np.full((6, 8, 8, 3), 0.1)
    pixels[1], pixels[4] = 1, 2  # red, the
    assert [attrs["id"] for attrs in Reader(page(make_case(pixels=pixels))).of("article", "chosen")] == ["w2"]
    only_the = make_case(pixels=pixels, case={"rows": [3, 4]})
    assert [attrs["id"] for attrs in Reader(page(only_the)).of("article", "chosen")] == ["w5"]


def test_only_the_asked_words_are_shown_and_the_caption_is_whole(make_case):
    reader = Reader(page(make_case(case={"rows": [2]})))
    assert [attrs["id"] for attrs in reader.of("article", "entry")] == ["w3"]
    assert [attrs["href"] for attrs in reader.of("a")] == ["#w3"]
    for word in ("a", "red", "ball", "on", "the", "grass"):
        assert re.search(rf"\b{word}\b", reader.text)


def test_captions_names_and_facts_are_text(make_case):
    caption = ("<start>", HOSTILE, "</style><b>", '"onload="x', "&amp;", "{{7*7}}", "’")
    case = make_case(caption=caption, name=f"{HOSTILE}.png", case={"notes": [HOSTILE]})
    document = page(case, {"rules": HOSTILE, HOSTILE: "x"})
    reader = Reader(document)
    assert [attrs.get("type") for attrs in reader.of("script")] == ["application/json", None] and not reader.of("b")
    assert not any("onload" in attrs for _, attrs in reader.elements)
    assert reader.text.count(HOSTILE) >= 5
    assert "{{7*7}}" in reader.text and "&amp;" in reader.text


@pytest.mark.parametrize("method", ["lrp", "attention"])
def test_the_page_holds_all_it_shows_and_allows_nothing_else(make_case, method):
    document = page(make_case(method=method), {"rules": "conv: alpha"})
    reader = Reader(document)
    for tag, attrs in reader.elements:
        for name in ("src", "href", "srcset", "action", "poster", "data"):
            assert attrs.get(name, "data:").startswith(("data:", "#")), (tag, attrs)
    assert not re.search(r"url\((?!\"data:image/jpeg|#)", document) and "@import" not in document
    policy = next(a["content"] for a in reader.of("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    script = document.split("<script>")[1].split("</script>")[0]
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy


def test_attention_is_not_said_to_oppose(make_case):
    text = Reader(page(make_case(method="attention"))).text
    assert "against" not in text and "the model's attention was" in text
    assert not re.search(r"words before\b", text)


def test_a_method_without_a_wording_of_its_own_is_named(make_case):
    assert "explained by guided_backpropagation" in Reader(page(make_case(method="guided_backpropagation"))).text


def test_a_contrast_is_called_a_lead(make_case):
    text = Reader(page(make_case(against="rest", case={"notes": ["Against all others."]}))).text
    assert "lead of a word (a difference of logits) is decomposed" in text and "Against all others." in text
    assert re.search(r"\blead\b", text) and not re.search(r"\bscore\b\s", text)


def test_one_head_is_named(make_case):
    assert "through attention head 3 only" in Reader(page(make_case(head=3))).text


def test_boxes_without_grid_or_pixels_are_drawn(make_case):
    boxes = np.random.default_rng(0).uniform(0, 1, (9, 2, 2))
    boxes = np.sort(boxes, axis=1).reshape(9, 4)
    reader = Reader(page(make_case(pixels=None, grid=None, case={"boxes": boxes})))
    assert len(reader.of("img", "overlay")) == 7


def test_an_image_without_relevance_says_so(make_case):
    reader = Reader(page(make_case(pixels=np.zeros((6, 8, 8, 3)), words=np.zeros((6, 6)))))
    assert "No part of the picture has any relevance" in reader.text


def test_twelve_words_at_224_pixels_stay_small(make_case):
    rng = np.random.default_rng(0)
    caption = ("<start>", *(f"word{i}" for i in range(12)))
    # Gaussian noise everywhere is the worst that a map can be to compress.
    pixels = rng.normal(size=(12, 224, 224, 3)).astype(np.float32)
    assert len(page(make_case(caption=caption, pixels=pixels))) < 1.5e6


def test_the_page_opens_with_the_palette_it_is_given_and_offers_the_others(make_case):
    document = page(make_case(), palette=ORANGE_BLUE)
    assert "orange</span> supports the word" in document and "red</span>" not in document
    offered = [attrs["value"] for attrs in Reader(document).of("option") if "data-support" in attrs]
    assert offered == ["orange", "red", "green"]
    source = Reader(document).of("img", "overlay")[1]["src"]
    decoded = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGBA"))
    visible = decoded[decoded[..., 3] > 0][:, :3]
    assert {tuple(colour) for colour in visible.tolist()} == {ORANGE_BLUE.support, ORANGE_BLUE.oppose}


def test_the_exact_arrays_are_linked_where_they_are(make_case):
    assert not Reader(page(make_case())).of("a")[-1].get("download")
    links = [a for a in Reader(page(make_case(), links={"lrp": "relevance%20.npz"})).of("a") if "download" in a]
    assert [link["href"] for link in links] == ["relevance%20.npz"]


def test_scripts_with_marks_and_from_the_right(make_case):
    """A word is one piece of the page, in the order in which it is read."""
    arabic = ("<start>", "كَلْبٌ", "يَجْرِي")
    document = Reader(page(make_case(caption=arabic)))
    assert "كَلْبٌ" in document.text and "يَجْرِي" in document.text
    assert document.of("ol", "caption")[0]["dir"] == "rtl"
    hindi = Reader(page(make_case(caption=("<start>", "एक", "कुत्ता"))))
    assert "कुत्ता" in hindi.text
    for other in (hindi, Reader(page(make_case())), Reader(page(make_case(caption=("<start>", "42", "dog", "כלב"))))):
        assert "dir" not in other.of("ol", "caption")[0]
    hebrew = Reader(page(make_case(caption=("<start>", "42", "כלב", "dog"))))  # by the first letter that says it
    assert hebrew.of("ol", "caption")[0]["dir"] == "rtl"
