"""Every command in the README and the docs can be given: scripts, modules, flags, settings, configs and targets exist.

None is run: they train for minutes to days, install, or want files that are not here. What they do is tested elsewhere
(tests/cli, tests/captions, tests/study). Commands that train, explain and evaluate go through their own parsers, with
`--only_check_args`, which absl has: so a value of the wrong type and a setting that a config has not fail as well.
`make` is asked what it would do. Of other modules the options are read from their source.
"""

import ast
import functools
import importlib.util
import itertools
import json
import pathlib
import re
import shlex
import subprocess
import sys

import ml_collections
import pytest

from lrp_jax.captions.runs.settings import paper_settings
from lrp_jax.cli import main

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
VERBS = ("train", "explain", "evaluate")  # with absl's parser; the other verbs have argparse's
# Beginnings of indented blocks that are no commands: BibTeX, files of captions, lines that a program prints, Python
# that test_docs.py reads, options of the reference.
NO_COMMANDS = ("@article{", '{"file":', '{"image":', "file,caption,split", "vocabulary, rows =", "options: {")
# Flags of other people's programs, absl among them.
OF_OTHERS = {"no-deps", "help"}
# What a script cannot do without. A command in the text, `train.py --json`, may leave it out; one in a block may not.
REQUIRED = {
    "train": ("--config=ada_cnn", "--workdir=runs/mine"),
    "evaluate": ("--experiment=captions", "--checkpoint=runs/mine"),
}


def outside_fences(page):
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def indented_blocks(page):
    return [
        [line[4:] for line in block.splitlines()]
        for block in re.findall(r"(?:(?<=\n\n)|(?<=\A))((?:    .*\n)+)", outside_fences(page))
    ]


def spans(page):
    """What stands between single backquotes in the text of a page."""
    text = re.sub(r"^    .*$", "", outside_fences(page), flags=re.MULTILINE)
    return [span.replace("\n", " ") for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]


def words_of(line):
    """A command line as a shell would split it; of a line of usage, [--flag A|B], what it stands for."""
    line = re.sub(r"(^|\s)#( .*)?$", "", line)
    line = re.sub(r"\s&\s*$", "", line)  # in the background
    line = re.sub(r"\[(--[^\]]*)\]", r"\1", line)
    return [re.sub(r"(?<=[\w\]])\|.*", "", word) for word in shlex.split(line)]


def commands():
    """(page, words) of every command in a block, and of those in the text."""
    for page in PAGES:
        for block in indented_blocks(page):
            if block[0].startswith(NO_COMMANDS):
                continue
            # A line that begins with blanks goes on with the one before, as does one behind a backslash.
            text = re.sub(r"\s*\\\n\s*|\n\s+(?=\S)", " ", "\n".join(block))
            for line in filter(str.strip, text.split("\n")):
                yield page, words_of(line)
        for span in spans(page):
            if re.match(r"(\S*bin/)?python -m |(\S*bin/)?python \S+\.py\b|make \w|lrp-jax \w+ ", span):
                words = words_of(span)
                yield page, [*words, *missing(words)]


def missing(words):
    """What a script needs and a command in the text does not say."""
    asks = words[0] == "lrp-jax" and len(words) > 2 and "..." not in words and "--help" not in words
    needed = REQUIRED.get(words[1], ()) if asks else ()
    return [need for need in needed if not any(word.split("=")[0] == need.split("=")[0] for word in words)]


COMMANDS = list(commands())


def of(program):
    """The commands of a program, as (name for pytest, arguments)."""
    found = {}
    for page, words in COMMANDS:
        if pathlib.PurePath(words[0]).name == program:
            found.setdefault(" ".join(words), (page.name, words[1:]))
    return [pytest.param(words, id=f"{page}: {' '.join(words)[:80]}") for page, words in found.values()]


def test_every_line_of_a_block_is_a_command_that_is_checked():
    known = {"python", "python3", "make", "lrp-jax", "pip", "git", "cd"}
    for page, words in COMMANDS:
        if words[0].startswith("--"):  # flags alone, as in a block that shows what they can be
            assert {word[2:].partition("=")[0] for word in words} <= all_flags(), f"{page.name}: {words}"
        else:
            assert pathlib.PurePath(words[0]).name in known, f"{page.name}: {words}"


def test_no_page_hides_its_commands():
    """The reading of pages finds a command in every one that names a script in a block."""
    found = {page for page, _ in COMMANDS}
    assert found >= {
        page for page in PAGES if re.search(r"^    (?:(\S*bin/)?python|lrp-jax) ", outside_fences(page), re.MULTILINE)
    }
    assert ROOT / "docs" / "tutorial.md" in found and ROOT / "docs" / "TRAINING.md" in found


@pytest.mark.parametrize("words", of("make"))
def test_make(words):
    words = [word for word in words if word != "..."]
    words = [word for word in words if not word.startswith("PYTHON=")] + [f"PYTHON={sys.executable}"]
    ran = subprocess.run(["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


OURS = of("lrp-jax")
OF_VERBS = [p for p in OURS if p.values[0] and p.values[0][0] in VERBS]
OF_OTHER_VERBS = [p for p in OURS if p not in OF_VERBS]
OF_OTHER_PROGRAMS = [*of("python"), *of("python3")]

# Imports once what the verbs import, then lets a child parse each command.
PARSER = """
import json, os, sys, warnings
import lrp_jax.cli.evaluate, lrp_jax.cli.explain, lrp_jax.cli.main, lrp_jax.cli.train
warnings.simplefilter("ignore")  # jax is wary of forks; no backend has been started here
answers = []
for argv in json.load(sys.stdin):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writing, 1), os.dup2(writing, 2)
        try:
            lrp_jax.cli.main.main(argv)
            code = "it did not stop"
        except SystemExit as exit:
            code = exit.code
        print("" if code in (None, 0) else code)
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(0 if code in (None, 0) else 1)
    os.close(writing)
    said = os.fdopen(reading).read()
    answers.append([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said])
json.dump(answers, sys.__stdout__)
"""


def parsed(arguments):
    """Exit code and output of each verb when it only checks its arguments."""
    argvs = [[*words, "--only_check_args"] for words in arguments]
    ran = subprocess.run(
        [sys.executable, "-c", PARSER], input=json.dumps(argvs), cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@functools.cache
def answers():
    """What the parsers say of the commands of the pages, and of two that are wrong."""
    given = [filled(param.values[0]) for param in OF_VERBS]
    wrong = [["explain", "--imagse=photo.jpg"], [*filled(["train", "..."]), "--config.learning_rat=1"]]
    results = parsed([*given, *wrong])
    return dict(zip(map(tuple, given), results, strict=False)), results[len(given) :]


def filled(words):
    """`lrp-jax train ... --flag` is short for a command that stands elsewhere on the page."""
    return [w for word in words for w in (REQUIRED.get(words[0], ()) if word == "..." else [word])]


@pytest.mark.parametrize("words", OF_VERBS)
def test_verbs_take_the_flags(words):
    code, said = answers()[0][tuple(filled(words))]
    assert code == 0, said


def test_the_parsers_would_complain():
    for code, said in answers()[1]:
        assert code != 0 and ("imagse" in said or "learning_rat" in said), said


def flags_in(path):
    """The options that a module defines, from its source: argparse's and absl's."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func)
            name = str(node.args[0].value)
            if called.endswith(".add_argument") and name.startswith("--"):
                names.add(name[2:])
            elif ".DEFINE_" in called:
                names.add(name)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "harness.parser":
            names |= flags_in(ROOT / "benchmarks" / "harness.py")
    return names


@pytest.mark.parametrize("words", OF_OTHER_VERBS)
def test_the_other_verbs_are_there(words):
    if not words or words[0] in ("VERB", "--help", "--version"):
        return
    assert words[0] in main.VERBS
    known = flags_in(ROOT / "lrp_jax" / "cli" / f"{words[0]}.py") | OF_OTHERS
    for argument in words[1:]:
        if argument.startswith("--"):
            assert argument[2:].partition("=")[0] in known, f"{words[0]} has no {argument}; it has {sorted(known)}"


@pytest.mark.parametrize("words", OF_OTHER_PROGRAMS)
def test_other_programs_are_there(words):
    if words[0] != "-m":
        assert (ROOT / words[0]).is_file()
        return
    module, *arguments = words[1:]
    if module in ("pip", "venv"):
        assert all((ROOT / name).is_file() for flag, name in itertools.pairwise(arguments) if flag == "-r")
        return
    spec = importlib.util.find_spec(module)
    assert spec is not None, f"no module {module}"
    path = pathlib.Path(spec.origin)
    if path.name == "__init__.py":
        path = path.with_name("__main__.py")
    assert "__main__" in path.name or '__name__ == "__main__"' in path.read_text()
    known = flags_in(path)
    for argument in arguments:
        if argument.startswith("--"):
            assert argument[2:].partition("=")[0] in known, f"{module} has no {argument}; it has {sorted(known)}"


# --- what is named in the text ------------------------------------------------------------------------------


@functools.cache
def all_flags():
    sources = []
    for folder in ("lrp_jax", "study", "benchmarks"):
        sources += sorted((ROOT / folder).rglob("*.py"))
    return set().union(*map(flags_in, sources)) | OF_OTHERS


def has_setting(config, key):
    for part in key.split("."):
        if not isinstance(config, ml_collections.ConfigDict) or part not in config:
            return False
        config = config[part]
    return True


def resolves(name):
    """Whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if not hasattr(thing, part) and part not in getattr(thing, "__annotations__", {}):
                return False
            thing = getattr(thing, part, None)
        return True
    return False


def loads(span):
    """Whether a config file, with its argument if that is not a placeholder, gives settings."""
    path, _, argument = span.partition(":")
    if not (ROOT / path).is_file():
        return False
    spec = importlib.util.spec_from_file_location("config", ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return argument.isupper() or bool(module.get_config(*filter(None, [argument])))


FOLDERS = "docs|tests|lrp_jax|study|benchmarks|notebooks"
GENERATED = {"docs/RESULTS.md"}  # by hours of work, see docs/hooks.py
CHECKS = [  # what a span looks like, and whether it is there
    (r"--config\.([\w.]+)(=.*)?", lambda m: has_setting(paper_settings(), m[1])),
    (r"config\.(?!json$)([\w.]+)(=.*)?", lambda m: has_setting(paper_settings(), m[1])),
    (r"--(?!config)([\w-]+)([= ].*)?", lambda m: m[1] in all_flags()),
    (r"configs/\w+\.py(:\w+)?", lambda m: loads(m[0])),
    (rf"(?:{FOLDERS})(?:/[\w.-]+)*", lambda m: m[0] in GENERATED or (ROOT / m[0]).exists()),
    (r"(lrp_jax(?:\.\w+)+)(\(.*\))?", lambda m: resolves(m[1])),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_names_in_the_text_are_there(page):
    missing = [
        span
        for span in spans(page)
        for pattern, there in CHECKS
        if (match := re.fullmatch(pattern, span)) and not there(match)
    ]
    assert not missing


def test_the_checks_find_what_is_missing():
    for span in (
        "--config.learning_rat=1",
        "config.no",
        "--no_such_flag",
        "configs/no.py",
        "lrp_jax.core.nothing",
    ):
        assert any((match := re.fullmatch(pattern, span)) and not there(match) for pattern, there in CHECKS), span


def test_the_checks_find_most_of_what_the_text_names():
    found = [s for page in PAGES for s in spans(page) if any(re.fullmatch(pattern, s) for pattern, _ in CHECKS)]
    assert len(found) > 60
