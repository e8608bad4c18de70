"""What `make docs` does beside mkdocs' own work.

- A how-to page is a Python file that runs. The site shows it as a page: its docstring and its comments are the text,
  the rest is code. No copy of it is kept.
- RESULTS.md is written by a study that takes hours; where it is not there, the site is built without it.
- The built site must not ask anybody else for anything when it is read: a page that loads a script, a style, a font or
  an image from elsewhere fails the build.
"""

import ast
import pathlib
import re
from html.parser import HTMLParser

GENERATED = {"RESULTS.md"}  # by `make study-small`; may not be there yet


def page_of(source: str, name: str) -> str:
    """A how-to file as Markdown.

    A run of comments at the margin between blank lines is text; so a comment that stands directly above code stays in
    the code. A comment line underlined with dashes is a heading.
    """
    tree = ast.parse(source)
    docstring = ast.get_docstring(tree)
    title, _, text = docstring.partition("\n")
    lines = source.splitlines()[tree.body[0].end_lineno :]
    parts = [f"# {title.rstrip('.')}", text.strip(), f"*This page is a file that runs: [{name}]({name}).*"]
    code: list[str] = []

    def end_code():
        block = "\n".join(code).strip("\n")
        if block:
            parts.append(f"```python\n{block}\n```")
        code.clear()

    i = 0
    while i < len(lines):
        run = i
        while run < len(lines) and re.match(r"#( |$)", lines[run]):
            run += 1
        alone = run > i and not (code and code[-1].strip()) and (run == len(lines) or not lines[run].strip())
        if alone:
            end_code()
            parts.append(_prose([line[2:] for line in lines[i:run]]))
        code += [] if alone else lines[i : max(run, i + 1)]
        i = max(run, i + 1)
    end_code()
    return "\n\n".join(parts) + "\n"


def _prose(lines: list[str]) -> str:
    out: list[str] = []
    for line in lines:
        if re.fullmatch(r"-{3,}", line) and out:
            out[-1] = f"## {out[-1]}"
            out.append("")
        else:
            out.append(line)
    return "\n".join(out)


def on_config(config):
    missing = {name for name in GENERATED if not pathlib.Path(config.docs_dir, name).exists()}
    for section in config.nav:
        for pages in section.values():
            pages[:] = [page for page in pages if page not in missing]
    return config


def on_files(files, config):
    from mkdocs.structure.files import File

    for path in sorted(pathlib.Path(config.docs_dir, "howto").glob("*.py")):
        content = page_of(path.read_text(encoding="utf-8"), path.name)
        files.append(File.generated(config, f"howto/{path.stem}.md", content=content))
    return files


def on_page_markdown(markdown, page, config, files):
    """Links to how-to files lead to their pages; the link of such a page to its own file stays."""
    if page.file.generated_by:
        return markdown
    return re.sub(r"\]\(((?:howto/)?\w+)\.py\)", r"](\1.md)", markdown)


SOURCES = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}


class _Requests(HTMLParser):
    """What a page fetches when it is opened."""

    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "link" and attrs.get("rel") not in ("canonical", "next", "prev"):
            self.found.append(attrs.get("href") or "")
        if tag in SOURCES:
            self.found.append(attrs.get(SOURCES[tag]) or "")


def elsewhere(html: str) -> list[str]:
    """The addresses on other machines that a page fetches something from."""
    parser = _Requests()
    parser.feed(html)
    return [url for url in parser.found if re.match(r"(?:[a-z]+:)?//", url)]


def on_post_build(config):
    from mkdocs.exceptions import PluginError

    site = pathlib.Path(config.site_dir)
    for path in sorted(site.rglob("*.html")):
        if found := elsewhere(path.read_text(encoding="utf-8")):
            raise PluginError(f"{path.relative_to(site)} fetches {found[0]}: the site must not need others")
    for path in sorted(site.rglob("*.css")):
        if found := re.search(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")]*)", path.read_text(encoding="utf-8")):
            raise PluginError(f"{path.relative_to(site)} fetches {found[1]}: the site must not need others")
