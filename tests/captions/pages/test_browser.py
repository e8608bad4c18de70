"""The report and the index in a real browser: what they show, how they react, and that they ask for nothing."""

import io
import json
import os
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from lrp_jax.captions import render
from lrp_jax.captions.pages.writers import write, write_index
from lrp_jax.captions.render.gallery import AT_ONCE

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
# What a page does when it has time for it is waited for: on a busy machine that may be long.
expect = sync_api.expect
expect.set_options(timeout=30_000)

HOSTILE = '<img src="http://example.com/x.png" onerror="document.title=1">'
# WCAG's contrast of the text with the colour it stands on.
CONTRASTS = """() => {
  const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const colour = (text) => {
    paint.clearRect(0, 0, 1, 1); paint.fillStyle = text; paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const found = colour(getComputedStyle(node).backgroundColor);
      if (found[3] === 255) return found;
    }
  };
  const texts = "p, label, button, .caption a, .caption small, .context li, .name, dt, dd.number";
  return [...document.querySelectorAll(texts)]
    .filter((node) => node.textContent.trim() && node.checkVisibility())
    .map((node) => {
      const [a, b] = [light(colour(getComputedStyle(node).color)), light(behind(node))];
      return [node.textContent.slice(0, 20), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
    });
}"""
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        pytest.skip("needs a Chromium: apt-get install chromium, or set CHROMIUM to its path")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def visit(browser):
    """visit(path, **context options) -> page; fails the test on a script error or a request that leaves."""
    contexts, problems = [], []

    def open_page(path, **options):
        options = {"viewport": {"width": 1100, "height": 800}} | options
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on(
            "request",
            lambda r: (
                None if r.url.startswith(("file:", "data:", "blob:file:")) else problems.append(f"asked for {r.url}")
            ),
        )
        page.goto(f"file://{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


@pytest.fixture
def report(make_case, tmp_path):
    pixels = np.zeros((6, 8, 8, 3), np.float32)
    pixels[2, 4:, 4:], pixels[2, :2, :2], pixels[4, :2, :2] = 1, 0.1, -1
    words = np.zeros((6, 6))
    words[2, 1], words[2, 2], words[4, 0] = 2, -1, 0.5
    path = tmp_path / "report.html"
    case = make_case(pixels=pixels, words=words)
    path.write_text(render.page(case, {"rules": "conv: alpha"}), encoding="utf-8")
    return path


@pytest.fixture
def cases(make_case):
    return [make_case(method=m, seed=i) for i, m in enumerate(("lrp", "grad_cam", "attention", "occlusion"))]


@pytest.fixture
def comparison(cases, tmp_path):
    path = tmp_path / "comparison.html"
    path.write_text(render.page(render.Comparison(cases), {"rules": "conv: alpha"}), encoding="utf-8")
    return path


def expect_chosen(page, word):
    expect(page.locator(".view:first-child .chosen-word")).to_have_text(word)


def painted(page):
    """The large picture as pixels, when its map is decoded and two frames have been drawn since."""
    page.evaluate("""async () => {
      await Promise.all([...document.querySelectorAll(".stage .overlay")].map((image) => image.decode()));
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    }""")
    return Image.open(io.BytesIO(page.locator(".stage .picture").first.screenshot())).convert("RGB")


def colour_at(page, x, y):
    """The colour of the large picture at a place, x and y in [0, 1]."""
    picture = painted(page)
    return np.array(picture.getpixel((int(x * picture.width), int(y * picture.height))), float)


def overlays(page, selector):
    return page.eval_on_selector_all(f"{selector} .overlay", "all => all.map(one => one.src)")


def test_it_opens_with_the_word_the_picture_supports(visit, report):
    page = visit(report)
    expect_chosen(page, "ball")
    assert painted(page) and page.evaluate("document.querySelector('.stage .overlay').naturalWidth") == 8
    assert page.locator(".words article").count() == 6


def test_a_click_chooses_a_word_and_colours_what_came_before(visit, report):
    page = visit(report)
    page.click("article#w5")
    page.click(".caption a[href='#w3']")
    page.mouse.move(0, 0)
    expect_chosen(page, "ball")
    expect(page.locator(".caption li")).to_have_class(["", "for", "against", "chosen", "later", "later", "later"])
    expect(page.locator(".caption small")).to_have_text(["0", "+2.0", "−1.0", "", "", "", ""])

    def background(position):
        script = "chip => getComputedStyle(chip).backgroundColor"
        return page.eval_on_selector(f".caption li:nth-child({position}) a", script)

    assert len({background(2), background(3), background(5)}) == 3


def test_pointing_shows_a_word_and_going_away_returns(visit, report):
    page = visit(report)
    before = page.get_attribute(".stage .overlay", "src")
    page.hover(".caption a[href='#w5']")
    expect_chosen(page, "the")
    expect(page.locator(".stage .overlay")).not_to_have_attribute("src", before)
    page.mouse.move(5, 5)
    expect_chosen(page, "ball")
    expect(page.locator(".stage .overlay")).to_have_attribute("src", before)


def test_arrow_keys_walk_through_the_caption(visit, report):
    page = visit(report)
    page.keyboard.press("ArrowRight")
    expect_chosen(page, "on")
    expect(page.locator(".caption a[href='#w4']")).to_be_focused()
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    expect_chosen(page, "a")


def test_a_tap_chooses_a_word(visit, report):
    page = visit(report, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800})
    page.tap(".caption a[href='#w6']")
    expect_chosen(page, "grass")


def test_a_finger_finds_what_it_may_tap(visit, comparison, write_gallery):
    def sizes(page, selector):
        boxes = (node.bounding_box() for node in page.locator(selector).all() if node.is_visible())
        return [(box["width"], box["height"]) for box in boxes]

    phone = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 800}}
    page = visit(comparison, **phone)
    assert min(min(size) for size in sizes(page, ".caption a")) >= 44
    found = sizes(page, "button, select, .choices label:has(input), .slider, .switches label, summary")
    assert len(found) > 12 and min(height for _, height in found) >= 40
    page = visit(write_gallery(4), **phone)
    found = sizes(page, "select, input[type=search], .least, .objects a, .cards .caption, summary")
    assert len(found) > 12 and min(height for _, height in found) >= 36


def test_the_slider_goes_from_relevance_to_the_photograph(visit, report):
    page = visit(report)
    page.fill("#share", "0")
    expect(page.locator(".stage .overlay")).to_have_css("opacity", "0")
    expect(page.locator(".stage .grey")).to_have_css("filter", "grayscale(0)")


def test_stronger_colours_change_the_scale_with_them(visit, report):
    page = visit(report)
    ends = page.locator(".scale span")
    expect(ends).to_have_text(["−1.00", "0", "+1.00"])
    pale = painted(page)
    page.fill("#strength", "2")
    expect(ends).to_have_text(["−0.250", "0", "+0.250"])
    assert painted(page) != pale
    page.fill("#strength", "0")
    expect(ends).to_have_text(["−1.00", "0", "+1.00"])
    assert painted(page) == pale


def test_without_scripts_everything_is_there(visit, report):
    page = visit(report, java_script_enabled=False)
    expect_chosen(page, "ball")
    expect(page.locator(".words .overlay")).to_have_count(6)
    expect(page.locator("#share")).to_be_hidden()
    page.click(".caption a[href='#w5']")
    expect(page).to_have_url(re.compile("#w5$"))


@pytest.mark.parametrize("palette", render.PALETTES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_themes_and_on_a_phone(visit, report, scheme, palette):
    page = visit(report, color_scheme=scheme, viewport={"width": 390, "height": 800})
    page.select_option("#palette", palette)
    page.check("#numbers")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 60
    assert [found for found in contrasts if found[1] < 4.5] == []
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 22, 24)"
    assert dark == (scheme == "dark")


# Of the report's fixture: a word, and the middle of what speaks for it (or against it) in the picture.
FOR, AGAINST = ("#w3", 0.75, 0.75), ("#w5", 0.125, 0.125)


def test_either_evidence_is_shown_as_much_as_one_wants(visit, report):
    page = visit(report)

    def redness(place):
        page.click(f".caption a[href='{place[0]}']")
        red, _, blue = colour_at(page, *place[1:])
        return red - blue

    full = redness(FOR), redness(AGAINST)
    assert full[0] > 100 and full[1] < -100
    page.fill("#against", "0")
    assert abs(redness(FOR) - full[0]) < 3 and abs(redness(AGAINST)) < 3  # grey
    page.fill("#for", "50")
    assert abs(redness(FOR) - full[0] / 2) < 5
    page.fill("#for", "0")
    page.fill("#against", "100")
    assert abs(redness(FOR)) < 3 and abs(redness(AGAINST) - full[1]) < 3
    page.click("#reset")
    assert abs(redness(FOR) - full[0]) < 3 and abs(redness(AGAINST) - full[1]) < 3


@pytest.mark.parametrize("name", render.PALETTES)
def test_colours_are_those_of_the_palette_and_are_remembered(visit, report, name):
    palette = render.PALETTES[name]
    page = visit(report)
    for attempt in ("chosen", "remembered"):
        if attempt == "chosen":
            page.select_option("#palette", name)
        else:
            page.reload()
        for (word, x, y), colour in ((FOR, palette.support), (AGAINST, palette.oppose)):
            page.click(f".caption a[href='{word}']")
            grey = colour_at(page, x, 1 - y)[0]  # nothing is there, and the sky and the grass are even
            page.fill("#share", "100")
            found = colour_at(page, x, y)
            opacity = palette.opacity
            difference = found - opacity * np.array(colour)
            assert np.ptp(difference) < 4, (grey, found)  # what shines through is grey
            assert 0 < difference.mean() < 255 * (1 - opacity)
        expect(page.locator(".told .name")).to_have_text(list(palette.names))
        expect(page.locator("#palette")).to_have_value(name)


def test_numbers_come_on_demand(visit, report):
    page = visit(report)
    page.click(".caption a[href='#w3']")
    numbers = page.locator(".caption small")
    expect(numbers.first).to_be_hidden()
    page.focus("#numbers")
    page.keyboard.press("Space")
    expect(numbers.first).to_be_visible()
    expect(numbers).to_have_text(["0", "+2.0", "−1.0", "", "", "", ""])
    expect(page.locator(".caption li").nth(2)).to_have_attribute("title", "red −1.0")


def test_pointing_at_the_picture_reads_its_relevance(visit, report):
    page = visit(report)
    box = page.locator(".stage .picture").first.bounding_box()
    for (x, y), wanted in (
        ((0.75, 0.75), "here (row 6, column 6): +1.00 or more"),
        ((0.1, 0.1), "here (row 0, column 0): +0.0952"),  # 0.1 in steps of a 63rd
        ((0.9, 0.1), "here (row 0, column 7): 0"),
    ):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        expect(page.locator(".readout")).to_have_text(wanted)
    page.mouse.move(2, 2)
    expect(page.locator(".readout")).to_have_text("")


def test_a_picture_that_was_left_reads_nothing_out_when_its_map_is_read_at_last(visit, report):
    page = visit(report)
    page.evaluate("""() => {
      const decode = HTMLImageElement.prototype.decode;
      HTMLImageElement.prototype.decode = async function () {
        await new Promise((done) => (window.goOn = done));
        return decode.call(this);
      };
    }""")
    page.hover(".stage .picture")
    page.wait_for_function("!!window.goOn")
    page.mouse.move(2, 2)
    page.evaluate("goOn(), readMap(document.querySelector('.stage .overlay'), true)")  # the page waited for it first
    expect(page.locator(".readout")).to_have_text("")
    page.hover(".stage .picture")
    expect(page.locator(".readout")).not_to_have_text("")


def test_everything_is_reached_by_keyboard_and_shows_it(visit, comparison):
    page = visit(comparison)
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        found = page.evaluate("""() => {
          const at = document.activeElement;
          const seen = at.type === "radio" ? at.parentElement : at;
          return [at.hash || at.id || at.name || at.className || at.tagName, getComputedStyle(seen).outlineStyle];
        }""")
        if found[0] == "BODY":
            break
        reached.append(found)
    names = [name for name, _ in reached]
    assert [name for name, outline in reached if outline == "none"] == []
    wanted = ["#w1", "#w6", "method", "beside", "share", "strength", "for", "against", "palette", "numbers", "reset"]
    assert {*wanted, "copy", "download", "scroll", "SUMMARY"} <= set(names)


def test_the_keys_of_a_control_do_not_choose_words(visit, comparison):
    page = visit(comparison)
    before = page.inner_text(".view .chosen-word")
    page.focus("#share")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#share")).to_have_value("95")
    page.focus("input[name=method]:checked")
    page.keyboard.press("ArrowRight")
    expect(page.locator("input[name=method]:checked")).to_have_value("1")
    expect_chosen(page, before)


def test_a_comparison_shows_a_word_by_the_chosen_method(visit, comparison):
    page = visit(comparison)
    page.click(".matrix tr#w5 td >> nth=1")
    expect_chosen(page, "the")
    expect(page.locator("input[name=method]:checked")).to_have_value("1")
    page.hover(".caption a[href='#w3']")
    expect_chosen(page, "ball")
    page.mouse.move(5, 5)
    expect_chosen(page, "the")
    page.keyboard.press("ArrowRight")
    expect_chosen(page, "grass")
    of_grass = overlays(page, "tr#w6 td")
    for number, label in ((1, "Grad-CAM"), (2, "attention"), (3, "occlusion"), (0, "LRP")):
        page.click(f".choices fieldset label >> nth={number}")
        expect(page.locator(".seen h3:visible")).to_have_text([label])
        expect(page.locator(".stage .overlay")).to_have_attribute("src", of_grass[number])
        expect(page.locator(".legend:visible")).to_have_count(1)
        shared_out = page.locator(".told").get_by_text("is decomposed").locator("visible=true")
        expect(shared_out).to_have_count(int(label == "LRP"))
        coloured = page.locator(".caption .for, .caption .against")
        expect(coloured).to_have_count(0 if label == "attention" else 6)  # which says nothing of words
    assert len(set(of_grass)) == 4


def test_two_methods_stand_beside_each_other(visit, comparison):
    page = visit(comparison)
    page.click(".caption a[href='#w3']")
    page.mouse.move(5, 5)
    expect(page.locator(".view")).to_have_count(1)
    expect(page.locator(".original")).to_be_visible()
    page.select_option("#beside", label="occlusion")
    expect(page.locator(".seen h3:visible")).to_have_text(["LRP", "occlusion"])
    assert overlays(page, ".stage") == [overlays(page, "tr#w3 td")[number] for number in (0, 3)]
    left, right = (page.locator(".view").nth(i).bounding_box() for i in (0, 1))
    assert left["y"] == right["y"] and left["x"] + left["width"] <= right["x"]
    page.keyboard.press("Tab")
    page.hover(".caption a[href='#w4']")
    for view in page.locator(".view").all():
        expect(view.locator(".context li")).to_have_text(["<start>", "a", "red", "ball"])
    assert overlays(page, ".stage") == [overlays(page, "tr#w4 td")[number] for number in (0, 3)]
    scales = page.locator(".legend:visible .scale span")
    ends = scales.all_inner_texts()
    assert len(ends) == 6
    page.fill("#strength", "1")
    expect(scales.first).not_to_have_text(ends[0])
    changed = scales.all_inner_texts()
    assert [a == b for a, b in zip(ends, changed, strict=True)] == [False, True, False] * 2
    page.select_option("#beside", "")
    expect(page.locator(".view")).to_have_count(1)


def test_the_arrays_of_a_word_are_copied(visit, comparison, cases):
    page = visit(comparison, permissions=["clipboard-read", "clipboard-write"])
    page.click(".matrix tr#w3 td >> nth=3")
    page.click("#copy")
    expect(page.locator("#done")).to_have_text("copied: “ball” by occlusion, as JSON")
    found = json.loads(page.evaluate("navigator.clipboard.readText()"))
    explanation = cases[3].explanation
    assert (found["word"], found["method"], found["position"], found["grid"]) == ("ball", "occlusion", 3, [3, 3])
    np.testing.assert_allclose(found["logit"], explanation.logits[2], rtol=1e-6)
    np.testing.assert_allclose(found["words"], explanation.words[2, :3], rtol=1e-6)
    np.testing.assert_allclose(found["regions"], explanation.regions[2], rtol=1e-6)
    values = render.maps(cases[3])
    scale = render.common_scale(values)
    relevance = np.array(found["map"]["levels"]) * found["map"]["unit"]
    np.testing.assert_allclose(relevance, np.clip(values[2], -scale, scale), atol=0.51 * scale / 63)


def test_all_arrays_are_downloaded(visit, comparison, cases):
    page = visit(comparison)
    page.select_option("#palette", "green")  # which changes nothing of the numbers
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "ball.png.json"
    found = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert found["inputs"] == list(cases[0].words)
    assert [(one["position"], one["method"]) for one in found["explained"]] == [
        (position, case.explanation.method) for position in range(1, 7) for case in cases
    ]
    for number, case in enumerate(cases):
        values = render.maps(case)
        scale = render.common_scale(values)
        for row, one in enumerate(found["explained"][number :: len(cases)]):
            relevance = np.array(one["map"]["levels"]) * one["map"]["unit"]
            np.testing.assert_allclose(relevance, np.clip(values[row], -scale, scale), atol=0.51 * scale / 63)
            assert (one["words"] is None) == (case.explanation.words is None)


def test_the_exact_arrays_beside_the_page_are_linked(visit, make_case, tmp_path):
    write(tmp_path, make_case(), ["html", "npz"])
    page = visit(tmp_path / "report.html")
    assert page.get_attribute("a[download]", "href") == "relevance.npz" and (tmp_path / "relevance.npz").exists()
    write(tmp_path, make_case(), ["html"])
    page = visit(tmp_path / "report.html")
    assert page.locator("a[download]").count() == 0


def test_a_comparison_without_scripts_is_whole(visit, comparison):
    page = visit(comparison, java_script_enabled=False)
    expect_chosen(page, page.inner_text("tr.chosen .word"))
    assert page.locator(".matrix .overlay").count() == 24 and page.is_visible("tr#w5 td .numbers >> nth=0")
    assert not page.is_visible("#strength") and not page.is_visible("#beside") and not page.is_visible("#copy")
    labels = ["LRP", "Grad-CAM", "attention", "occlusion"]
    assert page.locator(".legend:visible h3").all_inner_texts() == labels  # the table needs all scales
    assert page.locator(".meaning:visible").count() == 4
    page.click(".caption a[href='#w5']")
    expect(page).to_have_url(re.compile("#w5$"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_comparison_can_be_read_in_both_themes_and_on_a_phone(visit, comparison, scheme):
    page = visit(comparison, color_scheme=scheme, viewport={"width": 390, "height": 800})
    page.select_option("#beside", "2")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 60
    assert [found for found in contrasts if found[1] < 4.5] == []


def test_hostile_text_is_shown_as_text(visit, make_case, tmp_path):
    caption = ("<start>", "a", HOSTILE, "ball", "</script>", "the", "grass")
    path = tmp_path / "report.html"
    path.write_text(render.page(make_case(caption=caption, name=HOSTILE), {HOSTILE: HOSTILE}), encoding="utf-8")
    page = visit(path)
    assert page.title() != "1" and HOSTILE in page.inner_text("h1")
    page.click("article#w2")
    expect_chosen(page, HOSTILE)
    assert page.locator("img:not(.overlay)").count() == 0


def test_the_index_shows_its_pictures_and_leads_to_the_pages(visit, make_case, tmp_path):
    ball = render.ObjectWord("ball", "ball", 3)
    for name in ("a b", "ünï #1?"):
        write(tmp_path / name, make_case(name=HOSTILE, case={"objects": [ball]}), ["html"])
    write_index(tmp_path)
    page = visit(tmp_path / "index.html", viewport={"width": 390, "height": 800})
    page.wait_for_function("[...document.images].every(image => image.naturalWidth === 440)")
    assert page.locator(".cards li").count() == 2 and HOSTILE in page.inner_text(".cards")
    assert page.title() != "1" and page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click(".cards .picture >> nth=1")
    expect(page.locator(".view .chosen-word")).not_to_be_empty()
    page.go_back()
    page.click(".objects a >> nth=1")
    expect(page).to_have_url(re.compile("#w3$"))
    expect_chosen(page, "ball")


CAPTIONS = ("a red ball on the grass", "two dogs chase a ball", "a puppy sleeps", "a catapult")
OBJECTS = (
    [("ball", "ball", 1.0)],
    [("dogs", "dog", 4.0), ("ball", "ball", 3.0)],
    [("puppy", "dog", 2.0)],
    [],
)


@pytest.fixture
def write_gallery(tmp_path):
    """write_gallery(count) -> the index over as many images, CAPTIONS and OBJECTS again and again."""
    Image.new("RGB", (44, 20)).save(tmp_path / "t.jpg")

    def write(count):
        entries = [
            render.Entry(
                f"{HOSTILE} {i:04d}.png", CAPTIONS[i % 4], f"{i}/report.html", "t.jpg", 44, 20, "",
                [render.RatedObject(word, category, 2, value + i / 1e6) for word, category, value in OBJECTS[i % 4]],
            )
            for i in range(count)
        ]  # fmt: skip
        path = tmp_path / "index.html"
        path.write_text(render.index(entries), encoding="utf-8")
        return path

    return write


def expect_listed(page, wanted, count=None):
    """Waits for the images of these numbers, in this order, and for the line that counts them.

    The page reacts when it next draws itself, after `fill` and `select_option` have returned.
    """
    expect(page.locator(".cards .file")).to_have_text([f"{HOSTILE} {number:04d}.png" for number in wanted])
    if count:
        expect(page.locator("#count")).to_have_text(count)


def test_the_index_is_searched_by_the_beginnings_of_words(visit, write_gallery):
    page = visit(write_gallery(4))
    for text, wanted in (("ball", [0, 1]), ("cat", [3]), ("b red", [0]), ("RED  ", [0]), ("0002", [2]), ("all", [])):
        page.fill("#words", text)
        expect_listed(page, wanted, f"{len(wanted)} of 4 images")
    page.fill("#words", "")
    expect_listed(page, [0, 1, 2, 3], "4 images")


def test_the_index_is_filtered_by_object(visit, write_gallery):
    page = visit(write_gallery(4))
    for choice, wanted in (("c dog", [1, 2]), ("w dog/puppy", [2]), ("c ball", [0, 1]), ("", [0, 1, 2, 3])):
        page.select_option("#object", choice)
        expect_listed(page, wanted)
    page.select_option("#object", "c ball")
    expect(page.locator(".objects .asked")).to_have_text(["ball 0 %", "ball 67 %"])
    page.fill("#words", "dogs")
    expect_listed(page, [1])


def test_the_index_is_sorted_and_filtered_by_suspicion(visit, write_gallery):
    page = visit(write_gallery(4))  # dogs 100 %, ball 67 %, puppy 33 %, ball 0 %
    page.select_option("#order", "suspicion")
    expect_listed(page, [1, 2, 0, 3])
    page.select_option("#object", "c ball")
    expect_listed(page, [1, 0])
    page.fill("#least", "60")
    expect_listed(page, [1])
    expect(page.locator("#from")).to_have_text("60 %")
    page.select_option("#object", "")
    page.fill("#least", "30")
    page.select_option("#order", "")
    expect_listed(page, [1, 2])
    assert "33 %" in page.get_attribute(".objects a >> nth=2", "title")


def test_the_choice_is_there_again_after_a_page(visit, write_gallery):
    page = visit(write_gallery(4))
    page.fill("#words", "ball")
    page.select_option("#order", "suspicion")
    expect_listed(page, [1, 0])
    expect(page).to_have_url(re.compile("#words=ball&order=suspicion$"))
    page.goto("about:blank")
    page.go_back()
    expect(page.locator("#words")).to_have_value("ball")
    expect_listed(page, [1, 0])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_index_can_be_read_and_reached_by_keyboard(visit, write_gallery, scheme):
    page = visit(write_gallery(4), color_scheme=scheme, viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    contrasts = page.evaluate(CONTRASTS.replace(".caption a,", ".cards .caption, .objects a, summary,"))
    assert len(contrasts) > 15 and [found for found in contrasts if found[1] < 4.5] == []
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert reached[:4] == ["words", "object", "order", "least"] and "caption" in reached


def test_two_thousand_images_are_there_and_few_of_them_laid_out(visit, write_gallery):
    page = visit(write_gallery(2000))
    expect_listed(page, range(AT_ONCE), "2000 images")
    for there in range(AT_ONCE, 2000, AT_ONCE):
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.wait_for_function("there => document.querySelectorAll('.cards li').length > there", arg=there)
    expect_listed(page, range(2000))
    page.fill("#words", "puppy 1998")
    expect_listed(page, [1998], "1 of 2000 images")
    page.fill("#words", "")
    page.select_option("#object", "c ball")
    page.select_option("#order", "suspicion")
    expect_listed(page, range(1997, 1997 - 4 * AT_ONCE, -4), "1000 of 2000 images")


def test_without_scripts_the_index_has_all_images_and_no_controls(visit, write_gallery):
    page = visit(write_gallery(AT_ONCE + 3), java_script_enabled=False)
    assert page.locator(".cards li").count() == AT_ONCE + 3 and not page.is_visible("#words")
