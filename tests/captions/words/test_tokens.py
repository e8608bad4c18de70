import json
import random
import shutil
import subprocess
from pathlib import Path

import pycocoevalcap.tokenizer
import pytest

from lrp_jax.captions.metrics import cider
from lrp_jax.captions.metrics.captions import rouge_l
from lrp_jax.captions.words import UNK, Vocabulary, composed, tokenize, words_of
from lrp_jax.captions.words import tokens as tokens_module

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


SCRIPTS = {
    "Hindi": ("एक कुत्ता घास पर, दौड़ता है।", "एक कुत्ता घास पर दौड़ता है"),
    "Bengali": ("বাংলা কুকুর।", "বাংলা কুকুর"),
    "Tamil": ("ஒரு நாய் ஓடுகிறது.", "ஒரு நாய் ஓடுகிறது"),
    "Arabic with vowel signs": ("كَلْبٌ، يَجْرِي؟", "كَلْبٌ يَجْرِي"),
    "Hebrew with points": ("כֶּלֶב רָץ.", "כֶּלֶב רָץ"),
    "Persian, a joiner in the word": ("سگ می\u200cدود.", "سگ می\u200cدود"),
    "Thai, without spaces": ("สุนัขวิ่ง บนหญ้า", "สุนัขวิ่ง บนหญ้า"),
    "accents of their own": ("Un cafe\u0301, n\u0303andu\u0301!", "un cafe\u0301 n\u0303andu\u0301"),
    "Vietnamese": ("Con cho\u0301 chạy.", "con cho\u0301 chạy"),
    "Turkish": ("İzmir'de bir köpek", "i\u0307zmir'de bir köpek"),
    "Yoruba": ("Ajá ń sáré lórí kóríko tútù ọ\u0300.", "ajá ń sáré lórí kóríko tútù ọ\u0300"),
    "clitics behind a mark": ("the cafe\u0301's dog, the cafe\u0301.", "the cafe\u0301 's dog the cafe\u0301"),
    "hyphens between marks": ("cafe\u0301-cre\u0300me/the\u0301", "cafe\u0301-cre\u0300me/the\u0301"),
    "marks and joiners of nothing": ("a \u0301 dog \u200d \u200crun\u200d", "a dog run"),
    "emoji": ("a dog ❤️ 1️⃣ 👨\u200d👩\u200d👧", "a dog 1"),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_letters_keep_their_marks(script):
    text, expected = SCRIPTS[script]
    assert tokenize(text) == expected.split(" ")
    assert tokenize(expected) == expected.split(" ")
    assert words_of(text) == composed(expected).split(" ")


def test_words_that_share_letters_only_score_nothing():
    """In Hindi "dog" and three letters that are in it."""
    for one, other in (("कुत्ता", "क त त"), ("किताब", "कतब"), ("كَلْبٌ", "كُلِّبَ"), ("ไม้", "ไม่")):
        assert rouge_l([one], [[other]])[0] == 0
        assert rouge_l([one], [[one]])[0] == 1
        assert Vocabulary.build([one]).encode(other) == [UNK] * len(tokenize(other))


def test_a_word_is_the_same_composed_or_not():
    apart, together = "cafe\u0301 n\u0303", "café ñ"
    assert apart != together and composed(apart) == together and words_of(apart) == words_of(together)
    assert rouge_l([apart], [[together]])[0] == 1
    assert (
        cider([apart, "a dog"], [[together], ["a cat"]])[0]
        == cider([together, "a dog"], [[together], ["a cat"]])[0]
        > 0
    )
    vocabulary = Vocabulary.build([apart, together])
    assert vocabulary.words[4:] == ("café", "ñ")
    assert vocabulary.encode(apart) == vocabulary.encode(together) == [4, 5]
    # A vocabulary of somebody else, whose letters are apart.
    theirs = Vocabulary((*vocabulary.words[:4], *apart.split()))
    assert theirs.encode(apart) == theirs.encode(together) == [4, 5]
    assert theirs.decode([4, 5]) == apart.split()


def test_text_without_marks_is_cut_as_ever():
    """The expression with marks gives on every caption without one what the fast one gives."""
    with_marks = tokens_module._patterns(tokens_module._class())
    rng = random.Random(0)
    for _ in range(3000):
        text = "".join(
            rng.choice("abdnt's.'-_/&013 ,:;!’éüß한中Ж\u00ad\ufe0f😀1\u20e3cannotst") for _ in range(12)
        ).lower()
        cut = text.replace("’", "'")
        for pattern, put in ((with_marks.negation, r" \1"), (with_marks.clitics, r" \1"), (with_marks.cannot, "can ")):
            cut = pattern.sub(put, cut)
        assert with_marks.token.findall(cut) == tokenize(text), text


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
