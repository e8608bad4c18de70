"""Copies results into the documentation: python -m benchmarks.tables [docs/benchmarks] [docs/BENCHMARKS.md]

For each NAME.json in the folder, the text on the page between `<!-- NAME -->` and `<!-- end of NAME -->` is replaced by
the command, the tables, the single figures and the machine of that run.
"""

import argparse
import json
import pathlib
import re

from benchmarks.harness import Row, figure, markdown, on_what


def block(report: dict) -> str:
    """One run, as Markdown."""
    parts = [f"    {report['command']}"]
    for title, rows in report["tables"].items():
        parts.append(f"{title}:\n\n{markdown([Row(**row) for row in rows])}")
    if report["figures"]:
        lines = [f"- {name.replace('_', ' ')}: {figure(value)}" for name, value in report["figures"].items()]
        parts.append("\n".join(lines))
    parts.append(on_what(report))
    return "\n\n".join(parts)


def filled(page: str, reports: dict[str, dict]) -> str:
    """The page with the blocks of these reports.

    Raises:
        ValueError: the page has no markers for one of them.
    """
    for name, report in reports.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if not pattern.search(page):
            raise ValueError(f"the page has no markers for {name}.json; wanted {begin} and {end}")
        page = pattern.sub(lambda _, b=begin, r=report, e=end: f"{b}\n\n{block(r)}\n\n{e}", page)
    return page


def read(folder: pathlib.Path) -> dict[str, dict]:
    """The reports in a folder, by file name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default="docs/benchmarks")
    parser.add_argument("page", nargs="?", type=pathlib.Path, default="docs/BENCHMARKS.md")
    options = parser.parse_args()
    text = options.page.read_text(encoding="utf-8")
    options.page.write_text(filled(text, read(options.folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
