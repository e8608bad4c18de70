"""Size of the report and the index, and the time Chromium takes to open them: python -m benchmarks.pages

Writes an index over 2000 images, each with its own thumbnail, and a page of 20 words by 5 methods, to a temporary
folder, with synthetic relevance that is as hard to compress as that of VGG16 at 224 x 224. Opens both, searches,
filters and sorts the index and scrolls to its end, each round in a new browser context. Prints medians over the rounds,
and the time of an empty page in the same run as a reference.

Needs playwright and a Chromium (CHROMIUM may name it).
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import tempfile
import time

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.common import write_figures
from lrp_jax.captions import render
from lrp_jax.captions.explain import Explanation
from lrp_jax.captions.pages.writers import write_index

THINGS = ("dog", "cat", "ball", "girl", "man", "frisbee", "bench", "horse", "car", "truck", "sheep", "kite")
COLOURS = ("red", "brown", "old", "small", "wet", "young", "blue")
METHODS = ("lrp", "gradient_x_input", "guided_grad_cam", "grad_cam", "attention")
FRAMES = """new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"""
# Scrolls one screen per frame until the last image is on the page; returns the frame times in milliseconds.
SCROLL = """(count) => new Promise((done) => {
  const times = [];
  let last = performance.now();
  (function step() {
    const now = performance.now();
    times.push(now - last);
    last = now;
    const shown = document.querySelectorAll(".cards li").length;
    const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 1;
    if (shown === count && end) return done(times);
    scrollBy(0, innerHeight);
    requestAnimationFrame(step);
  })();
})"""


def photograph(rng: np.random.Generator, height: int = 480, width: int = 640) -> np.ndarray:
    """An image of shapes and noise, whose JPEG is about as large as that of a photograph."""
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    grain = rng.normal(0, 12, (height, width, 3))
    grained = np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(grained).filter(ImageFilter.GaussianBlur(0.7)))


def case(method: str, words: int, rng: np.random.Generator) -> render.Case:
    """A case with synthetic relevance: pixel noise, or smooth for methods with regions only."""
    rows, columns = np.mgrid[:224, :224] / 224
    regions = rng.dirichlet(np.full(196, 0.3), words).astype(np.float32)
    enlarged = method in ("grad_cam", "attention")
    if enlarged:
        maps = [Image.fromarray(r.reshape(14, 14)).resize((224, 224), Image.Resampling.BILINEAR) for r in regions]
        pixels = np.repeat(np.stack([np.asarray(one) for one in maps])[..., None], 3, -1)
    else:
        places = rng.uniform(0.2, 0.8, (2, words, 2, 1, 1))
        pro, contra = (np.exp(-20 * ((rows - p[:, 0]) ** 2 + (columns - p[:, 1]) ** 2)) for p in places)
        speckle = rng.laplace(size=(words, 224, 224, 3))
        pixels = ((pro - 0.5 * contra)[..., None] * (0.6 + 0.7 * speckle) + 0.05 * speckle).astype(np.float32)
    explanation = Explanation(
        method,
        tokens=np.arange(words + 1),
        logits=rng.uniform(3, 9, words),
        regions=regions,
        words=None if method == "attention" else np.tril(rng.normal(size=(words, words))),
        betas=rng.uniform(0.1, 0.9, words),
        pixels=pixels,
        enlarged=enlarged,
        grid=(14, 14),
    )
    caption = ("<start>", *(THINGS[i % len(THINGS)] for i in range(words)))
    return render.Case("photograph.jpg", photograph(np.random.default_rng(0)), caption, explanation)


def write_batch(folder: pathlib.Path, images: int, drawn: int = 60) -> None:
    """Writes the files of a batch that the index reads; only `drawn` of the thumbnails are different."""
    rng = np.random.default_rng(0)
    for i in range(images):
        place = folder / f"img_{i:05d}"
        place.mkdir()
        if i < drawn:
            Image.fromarray(photograph(rng, 165, 440)).save(place / "thumbnail.jpg", quality=85, subsampling=0)
        else:
            shutil.copy(folder / f"img_{i % drawn:05d}" / "thumbnail.jpg", place)
        one, other = rng.choice(THINGS, 2, replace=False)
        caption = f"a {rng.choice(COLOURS)} {one} and a {rng.choice(COLOURS)} {other} on the grass"
        objects = [
            {"word": str(word), "category": str(word), "position": at, "suspicion": float(rng.gamma(1, 1e-4))}
            for word, at in ((one, 3), (other, 7))
        ]
        found = {"name": f"{place.name}.jpg", "caption": caption, "thumbnail_word": str(one), "objects": objects}
        text = json.dumps(found | {"files": {"report.html": 1}})
        (place / "record.json").write_text(text, encoding="utf-8")


def timed(action) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def open_index(page, address: str, images: int) -> dict:
    """Seconds of each user action, until the browser has drawn the result."""

    def seen(action) -> float:
        return timed(lambda: (action(), page.evaluate(FRAMES)))

    loaded = "() => [...document.images].slice(0, 6).every((image) => image.complete && image.naturalWidth)"
    found = {"open": timed(lambda: (page.goto(address), page.wait_for_function(loaded)))}
    found["search"] = seen(lambda: page.fill("#words", "red dog"))
    found["search again"] = seen(lambda: page.fill("#words", ""))
    found["filter"] = seen(lambda: page.select_option("#object", "c dog"))
    found["sort"] = seen(lambda: page.select_option("#order", "suspicion"))
    page.select_option("#object", "")
    page.select_option("#order", "")
    page.evaluate(FRAMES)
    frames = [frame / 1000 for frame in page.evaluate(SCROLL, images)]
    return found | {"frame, median": statistics.median(frames), "frame, longest": max(frames)}


def open_report(page, address: str) -> dict:
    shown = "() => document.querySelector('.stage .overlay').naturalWidth && document.images.length >= 100"
    found = {"open": timed(lambda: (page.goto(address), page.wait_for_function(shown), page.evaluate(FRAMES)))}
    found["next word"] = timed(lambda: (page.keyboard.press("ArrowRight"), page.evaluate(FRAMES)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--words", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="file to write the figures to")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright  # imported here because only this function needs it

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_batch(folder, options.images)
        figures = {"write the index": timed(lambda: write_index(folder))}
        rng = np.random.default_rng(0)
        comparison = render.Comparison([case(method, options.words, rng) for method in METHODS])
        report, empty = folder / "report.html", folder / "empty.html"
        empty.write_text("<!doctype html><title>empty</title>", encoding="utf-8")
        figures["write the report"] = timed(lambda: report.write_text(render.page(comparison), encoding="utf-8"))
        sizes = {path.stem: path.stat().st_size / 1e6 for path in (folder / "index.html", report)}
        for what, size in sizes.items():
            print(f"{what}: {size:.2f} MB", flush=True)
        visits = {
            "empty": lambda page: {"open": timed(lambda: (page.goto(empty.as_uri()), page.evaluate(FRAMES)))},
            "index": lambda page: open_index(page, (folder / "index.html").as_uri(), options.images),
            "report": lambda page: open_report(page, report.as_uri()),
        }
        rounds = {what: [] for what in visits}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            for _ in range(options.rounds):
                for what, visit in visits.items():
                    context = browser.new_context(viewport={"width": 1280, "height": 900})
                    rounds[what].append(visit(context.new_page()))
                    context.close()
            browser.close()
    for what, found in rounds.items():
        figures[what] = {step: statistics.median(one[step] for one in found) for step in found[0]}
        print(f"{what}: " + ", ".join(f"{step} {1000 * value:.0f} ms" for step, value in figures[what].items()))
    print("; ".join(f"to {key} took {figures[key]:.1f} s" for key in ("write the index", "write the report")))
    write_figures(options.json, {"megabytes": sizes, "seconds": figures})


if __name__ == "__main__":
    main()
