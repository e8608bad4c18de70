"""The report in a real browser: what it shows, how it reacts, and that it asks for nothing."""

import os
import shutil

import numpy as np
import pytest

from lrp_jax import render

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
  return [...document.querySelectorAll("p, .caption a, .caption small, .red, .blue, dt, dd.number")]
    .filter((node) => node.textContent.trim())
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
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
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
            lambda r: None if r.url.startswith(("file:", "data:")) else problems.append(f"asked for {r.url}"),
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
    path.write_text(render.page(make_case(pixels=pixels, words=words), {"rules": "conv: alpha"}), encoding="utf-8")
    return path


@pytest.fixture
def comparison(make_case, tmp_path):
    cases = [make_case(method=m, seed=i) for i, m in enumerate(("lrp", "grad_cam", "attention", "occlusion"))]
    path = tmp_path / "comparison.html"
    path.write_text(render.comparison_page(render.Comparison(cases), {"rules": "conv: alpha"}), encoding="utf-8")
    return path


def chosen(page):
    return page.inner_text(".chosen-word")


def test_it_opens_with_the_word_the_picture_supports(visit, report):
    page = visit(report)
    assert chosen(page) == "ball"
    assert page.evaluate("document.querySelector('.stage .overlay').naturalWidth") == 8
    assert page.locator("article").count() == 6


def test_a_click_chooses_a_word_and_colours_what_came_before(visit, report):
    page = visit(report)
    page.click("article#w5")
    page.click(".caption a[href='#w3']")
    page.mouse.move(0, 0)
    assert chosen(page) == "ball"
    states = page.eval_on_selector_all(".caption li", "chips => chips.map(chip => chip.className)")
    assert states == ["", "for", "against", "chosen", "later", "later", "later"]
    numbers = page.eval_on_selector_all(".caption small", "all => all.map(one => one.textContent)")
    assert numbers == ["0", "+2.0", "−1.0", "", "", "", ""]

    def background(position):
        script = "chip => getComputedStyle(chip).backgroundColor"
        return page.eval_on_selector(f".caption li:nth-child({position}) a", script)

    assert len({background(2), background(3), background(5)}) == 3


def test_pointing_shows_a_word_and_going_away_returns(visit, report):
    page = visit(report)
    before = page.get_attribute(".stage .overlay", "src")
    page.hover(".caption a[href='#w5']")
    assert chosen(page) == "the"
    assert page.get_attribute(".stage .overlay", "src") != before
    page.mouse.move(5, 5)
    assert chosen(page) == "ball" and page.get_attribute(".stage .overlay", "src") == before


def test_arrow_keys_walk_through_the_caption(visit, report):
    page = visit(report)
    page.keyboard.press("ArrowRight")
    assert chosen(page) == "on"
    assert page.evaluate("document.activeElement.hash") == "#w4"
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    assert chosen(page) == "a"


def test_a_tap_chooses_a_word(visit, report):
    page = visit(report, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800})
    page.tap(".caption a[href='#w6']")
    assert chosen(page) == "grass"


def test_the_slider_goes_from_relevance_to_the_photograph(visit, report):
    page = visit(report)
    page.fill("#share", "0")
    assert page.evaluate("getComputedStyle(document.querySelector('.stage .overlay')).opacity") == "0"
    assert page.evaluate("getComputedStyle(document.querySelector('.stage .grey')).filter") == "grayscale(0)"


def test_stronger_colours_change_the_scale_with_them(visit, report):
    page = visit(report)
    ends = ".scale span"
    assert page.locator(ends).all_inner_texts() == ["−1.00", "0", "+1.00"]

    def paint():
        page.wait_for_timeout(50)
        return page.locator(".stage .picture").first.screenshot()

    pale = paint()
    page.fill("#strength", "2")
    assert page.locator(ends).all_inner_texts() == ["−0.250", "0", "+0.250"]
    assert paint() != pale
    page.fill("#strength", "0")
    assert page.locator(ends).all_inner_texts() == ["−1.00", "0", "+1.00"]
    assert paint() == pale


def test_without_scripts_everything_is_there(visit, report):
    page = visit(report, java_script_enabled=False)
    assert chosen(page) == "ball"
    assert page.locator("article .overlay").count() == 6
    assert not page.is_visible("#share")
    page.click(".caption a[href='#w5']")
    assert page.url.endswith("#w5")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_themes_and_on_a_phone(visit, report, scheme):
    page = visit(report, color_scheme=scheme, viewport={"width": 390, "height": 800})
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 30
    assert [found for found in contrasts if found[1] < 4.5] == []
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 22, 24)"
    assert dark == (scheme == "dark")


def test_a_comparison_shows_a_word_by_every_method(visit, comparison):
    page = visit(comparison)
    page.click(".matrix tr#w5 td >> nth=1")
    assert chosen(page) == "the"
    page.hover(".caption a[href='#w3']")
    assert chosen(page) == "ball"
    page.mouse.move(5, 5)
    assert chosen(page) == "the"
    page.keyboard.press("ArrowRight")
    assert chosen(page) == "grass"
    shown = page.eval_on_selector_all(".card .overlay", "all => all.map(one => one.src)")
    wanted = page.eval_on_selector_all("tr#w6 td .overlay", "all => all.map(one => one.src)")
    assert shown == wanted and len(set(shown)) == 4
    contexts = page.eval_on_selector_all(".card .context", "all => all.map(one => one.children.length)")
    assert contexts == [6, 6, 6]  # attention says nothing of words
    ends = page.locator(".scale span").all_inner_texts()
    page.fill("#strength", "1")
    assert page.locator(".scale span").all_inner_texts() != ends


def test_a_comparison_without_scripts_is_whole(visit, comparison):
    page = visit(comparison, java_script_enabled=False)
    assert chosen(page) == page.inner_text("tr.chosen .word")
    assert page.locator(".matrix .overlay").count() == 24 and page.is_visible("tr#w5 td .numbers >> nth=0")
    assert not page.is_visible("#strength")
    page.click(".caption a[href='#w5']")
    assert page.url.endswith("#w5")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_comparison_can_be_read_in_both_themes_and_on_a_phone(visit, comparison, scheme):
    page = visit(comparison, color_scheme=scheme, viewport={"width": 390, "height": 800})
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
    assert chosen(page) == HOSTILE
    assert page.locator("img:not(.overlay)").count() == 0


def test_the_index_shows_its_pictures_and_leads_to_the_pages(visit, make_case, tmp_path):
    for name in ("a b", "ünï #1?"):
        render.write(tmp_path / name, make_case(name=HOSTILE), ["html"])
    render.write_index(tmp_path)
    page = visit(tmp_path / "index.html", viewport={"width": 390, "height": 800})
    page.wait_for_function("[...document.images].every(image => image.naturalWidth === 440)")
    assert page.locator(".cards a").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click(".cards a >> nth=1")
    assert chosen(page)
