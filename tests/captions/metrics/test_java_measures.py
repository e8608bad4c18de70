"""METEOR, SPICE and the Treebank's tokens: what they do with programs that are missing, fail, hang, or answer."""

import json
import os
import pathlib
import shutil
import stat
import sys
import time

import numpy as np
import pytest

from lrp_jax.captions.metrics import spice as spice_file
from lrp_jax.captions.metrics.java import JavaError, MissingPartError
from lrp_jax.captions.metrics.meteor import Meteor, meteor
from lrp_jax.captions.metrics.ptb import ptb_tokens
from lrp_jax.captions.metrics.spice import spice

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="needs Java, such as default-jre-headless")

# What METEOR 1.5 wrote for four captions, with matches by form, stem, meaning and paraphrase: statistics and scores.
CANDIDATES = [
    "two dogs running quickly on grass",
    "a large automobile is parked",
    "a kid plays in the ocean",
    "a bike on the wall",
]
REFERENCES = [
    ["a dog runs fast on the lawn", "the dog ran"],
    ["a big car parks"],
    ["a child is playing in the sea"],
    ["on the wall a bike"],
]
STATISTICS = np.array(
    [
        [6, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 2, 3],
        [5, 4, 2, 1, 0, 0, 1, 1, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 1, 3, 3],
        [6, 7, 3, 4, 0, 0, 3, 3, 0, 0, 0, 0, 2, 2, 0, 0, 1, 1, 0, 1, 1, 6, 7],
        [5, 5, 3, 3, 2, 2, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 5, 5],
    ],
    float,
)
EACH = [0.28769422307576115, 0.2962028931107781, 0.7868852459016394, 0.5004680755588762]
TOGETHER = 0.3917205423991817
# Of a caption that is its reference, and of one that has nothing of it.
SAME = [5, 5, 3, 3, 2, 2, 3, 3, *[0] * 12, 1, 5, 5]
NOTHING = [3, 5, 1, 2, *[0] * 19]


def fake_java(folder, monkeypatch, program):
    """Puts a Python program in the place of Java."""
    path = folder / "java"
    path.write_text(f"#!{sys.executable}\n{program}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_the_score_is_that_of_the_program():
    found = Meteor(STATISTICS)
    np.testing.assert_allclose(found.each, EACH, rtol=1e-14)
    assert found.score() == pytest.approx(TOGETHER, rel=1e-14)
    assert found.score([2.0, 2, 2, 2]) == pytest.approx(TOGETHER, rel=1e-14)
    np.testing.assert_allclose(Meteor(np.array([SAME, NOTHING], float)).each, [1, 0])
    assert Meteor(np.zeros((1, 23))).score() == 0


@needs_java
@pytest.mark.slow
def test_meteor_itself():
    found = meteor(CANDIDATES, REFERENCES)
    np.testing.assert_array_equal(found.statistics, STATISTICS)
    # Line ends, the program's own separator and an empty caption shift nothing.
    odd = meteor(["a dog\r\n runs\u2028", "a ||| b", "", "a bike on the wall"], [["a dog runs"], ["a b"], ["a"], ["a"]])
    np.testing.assert_allclose(odd.each[:3], [1, 1, 0])


def test_meteor_asks_line_by_line(tmp_path, monkeypatch):
    answers = [" ".join(map(str, row)) for row in STATISTICS]
    program = f"""
import sys
assert sys.argv[-5:] == ["-", "-stdio", "-l", "en", "-norm"]
for answer in {answers!r}:
    line = sys.stdin.readline()
    assert line.startswith("SCORE ||| ") and line.count("|||") >= 2, line
    print(answer, flush=True)
sys.stdin.readline()
"""
    fake_java(tmp_path, monkeypatch, program)
    assert meteor(CANDIDATES, REFERENCES).score() == pytest.approx(TOGETHER)


def test_meteor_is_ended_when_it_hangs_or_fails(tmp_path, monkeypatch):
    noted = tmp_path / "pid"
    start = f"import os, pathlib, sys, time\npathlib.Path({str(noted)!r}).write_text(str(os.getpid()))\n"
    fake_java(tmp_path, monkeypatch, start + "time.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(JavaError, match="was stopped after 1 s"):
        meteor(["a"], [["a"]], seconds=1)
    assert time.monotonic() - begun < 30
    with pytest.raises(ProcessLookupError):  # not even as a zombie
        os.kill(int(noted.read_text()), 0)
    fake_java(tmp_path, monkeypatch, "import sys\nsys.exit('no memory')")
    with pytest.raises(JavaError, match="no memory"):
        meteor(["a"] * 3, [["a"]] * 3)


def test_without_java_each_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    for measure in (lambda: meteor(["a"], [["a"]]), lambda: spice(["a"], [["a"]]), lambda: ptb_tokens(["a"])):
        with pytest.raises(MissingPartError, match="default-jre-headless"):
            measure()


def test_spice_never_downloads_and_says_how_it_runs(tmp_path, monkeypatch):
    fake_java(tmp_path, monkeypatch, "raise SystemExit(1)")
    monkeypatch.setattr(spice_file.package, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(MissingPartError) as caught:
        spice(["a"], [["a"]])
    message = str(caught.value)
    assert "stanford-corenlp-3.6.0-models.jar" in message and "\n" not in message
    assert 'JDK_JAVA_OPTIONS="--add-opens=java.base/java.lang=ALL-UNNAMED' in message
    assert "pycocoevalcap/spice/lib" in message and str(tmp_path) not in message  # it stands in tables for others


def test_spice_reads_what_the_program_writes(tmp_path, monkeypatch):
    library = tmp_path / "package" / "lib"
    library.mkdir(parents=True)
    for name in spice_file._JARS:
        (library / name).write_bytes(b"")
    monkeypatch.setattr(spice_file.package, "__file__", str(library.parent / "__init__.py"))
    seen = tmp_path / "seen.json"
    fake_java(
        tmp_path,
        monkeypatch,
        f"""
import json, os, pathlib, sys
asked = json.loads(pathlib.Path(sys.argv[4]).read_text())
pathlib.Path({str(seen)!r}).write_text(json.dumps([asked, os.environ["JDK_JAVA_OPTIONS"], os.getcwd(), sys.argv[4]]))
found = [{{"image_id": item["image_id"], "scores": {{"All": {{"f": f}}}}}} for item, f in zip(asked, (0.5, None))]
pathlib.Path(sys.argv[6]).write_text(json.dumps(found[::-1]))
""",
    )
    monkeypatch.setenv("JDK_JAVA_OPTIONS", "-Xss4m")
    mean, scores = spice(["A dog!", "x"], [["two dogs", "a dog."], ["y"]])
    assert mean == 0.25 and scores.tolist() == [0.5, 0]
    asked, options, folder, file = json.loads(seen.read_text())
    assert asked[0] == {"image_id": 0, "test": "a dog", "refs": ["two dogs", "a dog"]}
    assert options.startswith("-Xss4m --add-opens=") and folder == str(library.parent)
    assert not pathlib.Path(file).exists() and [p.name for p in library.parent.iterdir()] == ["lib"]


@needs_java
def test_tokens_of_the_treebank_stay_with_their_captions():
    texts = ["A dog's ball isn't red.", "", "two\r\nlines \u2028 and\x85more", "<unk> , hello"]
    assert ptb_tokens(texts) == ["a dog 's ball is n't red", "", "two lines and more", "<unk> hello"]


def test_a_tokenizer_that_loses_a_line_is_found(tmp_path, monkeypatch):
    fake_java(tmp_path, monkeypatch, "print('one line')")
    with pytest.raises(JavaError, match="1 lines for 2 captions"):
        ptb_tokens(["a", "b"])
