"""What the built distributions hold: every file of the package and nothing else, and a README that PyPI can show.

    python tests/wheel/contents.py dist

Needs tests/wheel/requirements.txt. `make wheel` runs it.
"""

import email
import email.message
import pathlib
import re
import sys
import tarfile
import zipfile
from html.parser import HTMLParser

from readme_renderer import markdown

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = {"jax", "jaxtyping", "numpy"}
EXTRAS = {"bench", "bertscore", "captions", "docs", "quantus", "test", "tfds"}
IN_SDIST = {
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "PKG-INFO", "README.md", ".gitignore"),
    *("benchmarks", "configs", "docs", "lrp_jax", "notebooks", "study", "tests"),
    *("evaluate.py", "explain.py", "train.py", "mkdocs.yml", "pyproject.toml", "requirements.txt"),
}
MEGABYTES = 6  # of each distribution; the weights that ship with the package are 1.7 of them
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def files_under(folder: pathlib.Path) -> set[str]:
    """The files of a folder of the clone, without what running leaves there."""
    paths = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)) for path in paths}


def version() -> str:
    return re.search(r'^__version__ = "(.+)"$', (ROOT / "lrp_jax" / "__init__.py").read_text(), re.MULTILINE)[1]


def check_wheel(path: pathlib.Path) -> email.message.Message:
    """The wheel has the package as it lies in the clone, the configs, and its own records. Returns its metadata."""
    with zipfile.ZipFile(path) as wheel:
        held = {name for name in wheel.namelist() if not name.endswith("/")}
        records = f"lrp_jax-{version()}.dist-info"
        metadata = email.message_from_bytes(wheel.read(f"{records}/METADATA"))
        commands = wheel.read(f"{records}/entry_points.txt").decode()
    wanted = {f"lrp_jax/{name}" for name in files_under(ROOT / "lrp_jax")}
    wanted |= {f"lrp_jax/configs/{name}" for name in files_under(ROOT / "configs")}
    wanted |= {f"{records}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")}
    same(held, wanted, path.name)
    assert {"lrp_jax/py.typed", "lrp_jax/captions/weights/data/scene_captioner.npz"} <= held
    assert "lrp-jax = lrp_jax.cli.main:main" in commands, commands
    return metadata


def check_sdist(path: pathlib.Path) -> None:
    """The sdist has the parts that building and testing need, each as it lies in the clone."""
    with tarfile.open(path) as sdist:
        held = {name.partition("/")[2] for name in sdist.getnames()}
    same({name.partition("/")[0] for name in held}, IN_SDIST, path.name)
    for folder in ("configs", "lrp_jax", "tests"):
        parts = {name.partition("/")[2] for name in held if name.startswith(f"{folder}/")}
        same(parts, files_under(ROOT / folder), f"{folder} in {path.name}")
    junk = [n for n in held if re.match(r"docs/results/|docs/RESULTS", n) or n.endswith((".pyc", ".csv"))]
    assert not junk, junk
    pictures = {name for name in held if name.endswith((".png", ".jpg", ".svg"))}
    assert all(name.startswith("docs/images/") for name in pictures), pictures


def same(held: set[str], wanted: set[str], what: str) -> None:
    more, less = sorted(held - wanted), sorted(wanted - held)
    assert not more and not less, f"{what}: too much {more}, missing {less}"


def check_metadata(metadata: email.message.Message) -> None:
    assert metadata["Version"] == version(), metadata["Version"]
    needs = metadata.get_all("Requires-Dist")
    base = {re.match(r"[\w-]+", need)[0] for need in needs if "extra ==" not in need}
    assert base == BASE, f"the library alone needs {sorted(base)}, wanted {sorted(BASE)}"
    assert set(metadata.get_all("Provides-Extra")) == EXTRAS, metadata.get_all("Provides-Extra")
    pythons = {text.rpartition(" ")[2] for text in metadata.get_all("Classifier") if "Python :: 3." in text}
    assert min(pythons) == metadata["Requires-Python"].removeprefix(">="), (pythons, metadata["Requires-Python"])
    assert len(metadata["Summary"]) <= 512


class _Addresses(HTMLParser):
    """Where a page leads to, what it shows, and the anchors that it has."""

    def __init__(self):
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors |= {f"#{attrs['id']}"} if "id" in attrs else set()
        if tag == "a" and "href" in attrs:
            self.links.append(attrs["href"])
        if tag == "img":
            self.pictures.append(attrs["src"])


def check_readme(metadata: email.message.Message) -> None:
    """The README as PyPI shows it: every address is whole, and those that are ours lead to a file of the clone."""
    text = metadata.get_payload()
    source = (ROOT / "README.md").read_text()
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert FENCE.findall(text) == FENCE.findall(source), "code of the README was changed by the build"
    page = markdown.render(text)
    assert page is not None
    found = _Addresses()
    found.feed(page)
    # The renderer drops an address that it does not like, so each of the source must have come through.
    written = FENCE.sub("", source)
    assert len(found.pictures) == written.count("![") > 0
    assert len(found.links) >= len(re.findall(r"(?<!!)\[[^\]]+\]\([^)]+\)", written)) > 10
    for address in [*found.links, *found.pictures]:
        there = address in found.anchors or re.match(r"(https?:|mailto:)", address)
        assert there, f"{address} leads nowhere on PyPI"
    ours = (
        rf"https://(?:github\.com/[\w-]+/lrp_jax/blob|raw\.githubusercontent\.com/[\w-]+/lrp_jax)/v{version()}/([^#]+)"
    )
    paths = [match[1] for address in [*found.links, *found.pictures] if (match := re.match(ours, address))]
    assert len(paths) > 10
    gone = [path for path in paths if not (ROOT / path).is_file()]
    assert not gone, f"the README leads to {gone}, which are not there"
    assert all(address.startswith("https://raw.") for address in found.pictures), found.pictures


def main(folder: pathlib.Path) -> None:
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    for path in (wheel, sdist):
        assert path.stat().st_size < MEGABYTES * 1e6, f"{path.name}: {path.stat().st_size / 1e6:.1f} MB"
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    metadata = check_wheel(wheel)
    check_sdist(sdist)
    check_metadata(metadata)
    check_readme(metadata)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
