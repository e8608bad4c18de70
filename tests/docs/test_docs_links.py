"""Every relative link in the README and the docs leads to a file, and every anchor to a heading."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
GENERATED = {ROOT / "docs" / "RESULTS.md"}  # by hours of work, see docs/hooks.py


def without_code(text):
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(?<!`)`[^`]+`(?!`)", lambda m: "x" * len(m[0]), text)


def links(text):
    """The targets of all links and pictures, Markdown's and HTML's."""
    text = without_code(text)
    return re.findall(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)", text) + re.findall(r"(?:href|src)=\"([^\"]+)\"", text)


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them; mkdocs.yml asks for the same."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    found = []
    for heading in re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        found.append(slug if slug not in found else f"{slug}-{found.count(slug)}")
    return found


def broken(page):
    for target in links(page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if file in GENERATED:
            continue
        lost = bool(anchor) and file.suffix == ".md" and file.exists() and anchor not in anchors(file.read_text())
        if not file.exists() or lost:
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links(page):
    assert list(broken(page)) == []


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A `b` c?\n\n[x](#a-b-c) [y](#a-b) [z](no.md) [u](https://example.org) `[v](no)`\n")
    assert list(broken(page)) == ["#a-b", "no.md"]


def test_no_link_is_overlooked():
    """All that is written as a link is read as one; and every page is led to by another."""
    for page in PAGES:
        assert len(links(page.read_text())) >= without_code(page.read_text()).count("]("), page
    led_to = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in links(page.read_text())
        if not re.match(r"[a-z]+:|#", target)
    }
    docs = set(PAGES) - {ROOT / "README.md", ROOT / "CONTRIBUTING.md"} - GENERATED
    assert docs <= led_to | {ROOT / "docs" / "index.md"}, sorted(docs - led_to)
