import math
from collections import Counter

import numpy as np
import pytest

from lrp_jax.captions.metrics import cider
from lrp_jax.captions.metrics.captions import as_given, bleu, our_tokens, rouge_l

CANDIDATES = ["a dog runs on grass", "two red cars", "A cat's ball."]
REFERENCES = [
    ["a dog runs on the grass", "the dog is running"],
    ["a man rides a horse", "a rider on a horse in a field"],
    ["a cat 's ball", "a ball of a cat"],
]


def plain_cider(candidates, references, sigma=6.0):
    """CIDEr-D written from its paper, term by term."""
    candidates = [c.split() for c in candidates]
    references = [[r.split() for r in rs] for rs in references]

    def grams(words, n):
        return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))

    scores = []
    for candidate, refs in zip(candidates, references, strict=True):
        per_reference = []
        for ref in refs:
            penalty = math.exp(-((len(candidate) - len(ref)) ** 2) / (2 * sigma**2))
            total = 0.0
            for n in range(1, 5):

                def weights(words, n=n):
                    out = {}
                    for gram, count in grams(words, n).items():
                        df = sum(any(gram in grams(r, n) for r in rs) for rs in references)
                        out[gram] = count * (math.log(len(references)) - math.log(max(1, df)))
                    return out

                c, r = weights(candidate), weights(ref)
                norm = math.sqrt(sum(v * v for v in c.values())) * math.sqrt(sum(v * v for v in r.values()))
                if norm:
                    total += sum(min(v, r.get(g, 0)) * r.get(g, 0) for g, v in c.items()) / norm
            per_reference.append(10 * penalty * total / 4)
        scores.append(sum(per_reference) / len(refs))
    return scores


def test_cider_is_the_papers_formula_on_our_tokens():
    mean, scores = cider(CANDIDATES, REFERENCES)
    expected = plain_cider(["a dog runs on grass", "two red cars", "a cat 's ball"], REFERENCES)
    np.testing.assert_allclose(scores, expected, rtol=1e-12)
    assert mean == pytest.approx(np.mean(expected))
    assert scores[0] > 1 and scores[1] == 0 and scores[2] > scores[0]


def test_cider_by_hand():
    # Two images with one word each: unigrams only, idf log 2, cosine 1 for the first and 0 for the second.
    mean, scores = cider(["dog", "dog"], [["dog"], ["cat"]])
    np.testing.assert_allclose(scores, [10 / 4, 0])
    assert mean == pytest.approx(1.25)


def test_case_and_punctuation_do_not_matter():
    assert (
        cider(["A DOG!", "one cat"], [["a dog"], ["one cat."]])[0]
        == cider(["a dog", "one cat"], [["a dog"], ["one cat"]])[0]
    )


def test_references_without_words_agree_with_nothing():
    mean, scores = cider(["a dog", ""], [["..."], ["", "!"]])
    assert mean == 0 and scores.tolist() == [0, 0]
    assert rouge_l(["a dog"], [["..."]])[0] == 0


@pytest.mark.parametrize(
    ("candidates", "references", "message"),
    [
        (["a"], [["a"], ["b"]], "1 candidates and references for 2"),
        (["a", "b"], [["a"], []], "image 1"),
        (["a", "b"], ["a", "b"], "image 0"),
        ([], [], "at least one image"),
    ],
)
def test_unequal_or_empty_input_is_refused(candidates, references, message):
    with pytest.raises(ValueError, match=message):
        cider(candidates, references)


def test_bleu_is_pycocoevalcaps_for_any_choice_of_images():
    from pycocoevalcap.bleu.bleu import Bleu

    candidates, references = [*CANDIDATES, "a dog runs on the grass", "a"], [*REFERENCES, REFERENCES[0], ["a b c d"]]
    found = bleu(candidates, references)
    for chosen in ([0, 2], [0, 1, 2, 3, 4], [2, 2, 2, 0], [4, 4, 0]):
        # Given in the order of the images, each as often as it counts.
        truth = {place: our_tokens(references[image]) for place, image in enumerate(chosen)}
        result = {place: our_tokens([candidates[image]]) for place, image in enumerate(chosen)}
        expected, _ = Bleu(4).compute_score(truth, result, verbose=0)
        np.testing.assert_allclose(found.scores(np.bincount(chosen, minlength=5)), expected, atol=1e-4)


def test_bleu_by_hand():
    # 3 of 4 words and 2 of 3 pairs (a dog, dog on), nothing longer; four words are as many as the closer reference has.
    found = bleu(["a dog on a"], [["a dog sits on it now", "a red dog on"]])
    np.testing.assert_allclose(found.matches, [[3, 2, 0, 0]])
    np.testing.assert_allclose(found.scores(), [3 / 4, math.sqrt(3 / 4 * 2 / 3), 0, 0])
    # A reference of six words: brevity exp(1 - 6 / 3).
    np.testing.assert_allclose(bleu(["a dog sits"], [["a dog sits on it now"]]).scores()[:3], [math.exp(-1)] * 3)
    np.testing.assert_array_equal(bleu([""], [["a dog"]]).scores(), 0)


def test_rouge_by_hand():
    # Longest common subsequence "a dog on" of 4 words said and 5 in the reference; beta is 1.2.
    mean, scores = rouge_l(["a dog sits on", "cat"], [["a brown dog runs on"], ["dog"]])
    precision, recall = 3 / 4, 3 / 5
    expected = (1 + 1.44) * precision * recall / (recall + 1.44 * precision)
    np.testing.assert_allclose(scores, [expected, 0])
    assert mean == pytest.approx(expected / 2)


def test_captions_that_are_tokens_already_are_left_alone():
    assert as_given(["  <unk>  A.\n"]) == ["<unk> A."]
    assert rouge_l(["<unk>"], [["unk"]], as_given)[0] == 0 and rouge_l(["<unk>"], [["unk"]])[0] > 0.99
