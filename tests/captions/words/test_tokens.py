import json
import shutil
import subprocess
from pathlib import Path

import pycocoevalcap.tokenizer
import pytest

from lrp_jax.captions.words import tokenize

PTB_PUNCTUATION = {"''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"}
BRACKETS = {"-lrb-", "-rrb-", "-lcb-", "-rcb-", "-lsb-", "-rsb-"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A dog runs .", "a dog runs"),
        ("A dog's ball isn't red.", "a dog 's ball is n't red"),
        ("the dogs' balls", "the dogs balls"),
        ("They've said: “we’re here”; it’s true!", "they 've said we 're here it 's true"),
        ("He cannot stop", "he can not stop"),
        ("A T-shirt, close-up (blue)", "a t-shirt close-up blue"),
        ("a sink,toilet and 1,000 tiles", "a sink toilet and 1,000 tiles"),
        ("It is 8:25 on Main St.", "it is 8:25 on main st."),
        ("The T.V. is on", "the t.v. is on"),
        ("the best.", "the best"),
        ("skating/skiing, black & white", "skating/skiing black & white"),
        ("tabs\tand\u2028separators\r\nof all kinds", "tabs and separators of all kinds"),
        ("Ein Fußgänger überquert", "ein fußgänger überquert"),
        ("", ""),
        (" .,;!? -- ... ' \" ", ""),
    ],
)
def test_tokens_of_a_caption(text, expected):
    assert tokenize(text) == expected.split()


def test_tokens_joined_by_spaces_are_a_fixed_point():
    for text in ["A dog's ball isn't red.", "It is 8:25 on Main St. & the T.V. is on", "he cannot"]:
        once = tokenize(text)
        assert tokenize(" ".join(once)) == once


@pytest.mark.realdata
def test_tokens_are_those_of_the_java_tokenizer(realdata, tmp_path):
    """On 25,014 captions of COCO; what differs is a handful of initials and lone signs."""
    if shutil.which("java") is None:
        pytest.skip("needs Java to run the Penn Treebank tokenizer")
    annotations = json.loads((realdata / "annotations" / "captions_val2017.json").read_text())["annotations"]
    captions = [" ".join(annotation["caption"].split()) for annotation in annotations]
    (tmp_path / "captions.txt").write_text("\n".join(captions) + "\n", encoding="utf-8")
    jar = Path(pycocoevalcap.tokenizer.__path__[0]) / "stanford-corenlp-3.4.1.jar"
    command = ["java", "-Dfile.encoding=UTF-8", "-cp", jar, "edu.stanford.nlp.process.PTBTokenizer"]
    run = subprocess.run(
        [*command, "-preserveLines", "-lowerCase", tmp_path / "captions.txt"], capture_output=True, check=True
    )
    lines = run.stdout.decode("utf-8").split("\n")[: len(captions)]
    theirs = [[w for w in line.split() if w not in PTB_PUNCTUATION | BRACKETS] for line in lines]
    different = [caption for caption, t in zip(captions, theirs, strict=True) if tokenize(caption) != t]
    assert len(different) <= 10, different[:20]
