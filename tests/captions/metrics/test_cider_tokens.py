"""The reward on the device against pycocoevalcap, given the same document frequencies."""

import collections
import itertools
import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pycocoevalcap.cider.cider_scorer import CiderScorer, precook

from lrp_jax.captions.data.batches import pad_references
from lrp_jax.captions.metrics.cider_tokens import cider_d, document_frequencies
from lrp_jax.captions.words import END, PAD, Vocabulary

score = jax.jit(cider_d)


class Counted(list):
    """A list that says that it is longer than it is."""

    images = 0

    def __len__(self):
        return self.images


def strings(captions):
    return [" ".join(str(int(word)) for word in caption if word != PAD) for caption in captions]


def pycoco(candidates, references, corpus):
    """pycocoevalcap's CIDEr-D of rows of tokens; the document frequencies are those of another corpus."""
    scorer = CiderScorer()
    for candidate, texts in zip(candidates, references, strict=True):
        scorer += (strings([candidate])[0], [text for text in strings(texts) if text])
    for texts in corpus:
        grams = set().union(*(precook(text) for text in strings([*caption, END] for caption in texts)))
        for gram in grams:
            scorer.document_frequency[gram] += 1
    scorer.crefs = Counted(scorer.crefs)
    scorer.crefs.images = len(corpus)
    return np.array(scorer.compute_cider())


def draw(rng, size, longest):
    """A caption in which short words are frequent, so that n-grams come again."""
    length = rng.integers(0, longest)
    return (4 + np.minimum(rng.geometric(0.3, length) - 1, size - 5)).tolist()


def example(seed, images=300, size=16, longest=14):
    rng = np.random.default_rng(seed)
    corpus = [[draw(rng, size, longest) for _ in range(rng.integers(1, 6))] for _ in range(images)]
    references = pad_references(corpus[:50], 12)
    candidates = [[*draw(rng, size, longest), END] for _ in range(50)]
    for i in range(0, 50, 3):  # close to a reference, or one
        words = list(corpus[i][0])
        if words and i % 2:
            words[rng.integers(len(words))] = 5
        candidates[i] = [*words, END]
    candidates = pad_references([[c[:-1]] for c in candidates], 13)[:, 0]
    return corpus, candidates, references, document_frequencies(corpus, size)


@pytest.mark.parametrize("seed", [0, 1])
def test_random_captions(seed):
    corpus, candidates, references, frequencies = example(seed)
    wanted = pycoco(candidates, references, corpus)
    assert (wanted > 1).sum() > 10 and (wanted == 0).any()
    assert not (candidates == END).any(axis=1).all()  # some are cut
    np.testing.assert_allclose(score(candidates, references, frequencies), wanted, rtol=1e-11, atol=1e-12)
    narrow = jax.tree.map(lambda x: x.astype(np.float32) if x.dtype == np.float64 else x, frequencies)
    scores = score(candidates, references, narrow)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, wanted, atol=1e-5)


def test_axes():
    """Candidates that share references, and vmap."""
    _, candidates, references, frequencies = example(0)
    several = candidates.reshape(10, 5, -1)
    wanted = score(candidates, np.repeat(references[:10], 5, axis=0), frequencies).reshape(10, 5)
    np.testing.assert_allclose(score(several, references[:10, None], frequencies), wanted, rtol=1e-12)
    mapped = jax.jit(jax.vmap(cider_d, in_axes=(1, None, None), out_axes=1))
    np.testing.assert_allclose(mapped(several, references[:10], frequencies), wanted, rtol=1e-12)


CORPUS = [[[4, 5, 6, 7, 8], [4, 5, 6]], [[4, 9, 10]], [[11], [4, 4, 4]]]


@pytest.mark.parametrize(
    ("candidate", "references"),
    [
        ([END], [[4, 5, 6, END]]),  # an empty caption
        ([], [[4, 5, 6, END]]),  # not even an end
        ([5, END], [[5, END], [END]]),  # one word, and an empty reference
        ([5], [[5], [6]]),
        ([4, 4, 4, 4, 4, END], [[4, 4, END]]),  # clipped
        ([5, 5, 5, 6, END], [[5, 6, 5, END], [6, 5, 5, 5]]),
        ([9, 8, 7, 6, 5, END], [[8, 7, 6, 5, END]]),  # n-grams that are not in the corpus
        ([900, 5, 900, END], [[900, 5, END]]),  # words that are not in the vocabulary
        ([5, 6, 7, 8, 9, 10, 11, 5, 6, 7, 8, 9], [[5, 6, END]]),  # lengths
    ],
)
def test_corner(candidate, references):
    frequencies = document_frequencies(CORPUS, 12)
    rows = np.full((4, 12), PAD)  # the empty ones do not count
    for row, words in zip(rows, references, strict=False):
        row[: len(words)] = words
    padded = np.array(candidate + [PAD] * (13 - len(candidate)))
    wanted = pycoco([padded], [rows], CORPUS)[0]
    np.testing.assert_allclose(score(padded, rows, frequencies), wanted, rtol=1e-12, atol=1e-14)


def test_by_hand():
    frequencies = document_frequencies(CORPUS, 12)

    def of(candidate, *references):
        rows = np.full((4, 12), PAD)
        for row, words in zip(rows, references, strict=False):
            row[: len(words)] = words
        return float(score(np.array(candidate + [PAD] * (13 - len(candidate))), rows, frequencies))

    assert of([5, 6, 7, 8, END], [5, 6, 7, 8, END]) == pytest.approx(10)
    # Two words each, one of them shared, no pair: idf log 3, but 0 for the end, which every image has.
    assert of([5, 6, END], [5, 7, END]) == pytest.approx(10 * 1 / 2 / 4)
    # One word against two: its cosine is 1 / sqrt(2); the lengths differ by 1.
    shorter = 10 * math.exp(-1 / 72) / math.sqrt(2) / 4
    assert of([5, END], [5, 7, END]) == pytest.approx(shorter)
    assert of([5, END], [5, 7, END], [], [5, 7, END]) == pytest.approx(shorter)
    assert of([5, END], [5, 7, END], [6, 7, END]) == pytest.approx(shorter / 2)
    assert of([5, END]) == 0


def test_short_captions_have_no_longer_n_grams():
    frequencies = document_frequencies([[[4]], [[5]]], 6)
    assert [len(x) for x in frequencies.idf] == [7, 3, 1, 1]
    assert score(np.array([4, END]), np.array([[4, END]]), frequencies) == pytest.approx(10 * 2 / 4)


def test_frequencies_of_every_n_gram():
    corpus, _, _, frequencies = example(3, images=50)
    counts = collections.Counter()
    for texts in corpus:
        counts.update(set().union(*(precook(text) for text in strings([*caption, END] for caption in texts))))
    for n in range(4):
        wanted = sorted(math.log(50) - math.log(c) for gram, c in counts.items() if len(gram) == n + 1)
        missing = 16 - len(wanted) if n == 0 else 0  # words that are in no caption have a place all the same
        np.testing.assert_allclose(np.sort(frequencies.idf[n]), wanted + [math.log(50)] * (missing + 1))


def test_padding_of_references():
    padded = pad_references([[[4, 5], [6]], [[4, 5, 6, 7]], []], 3)
    rows = [[[4, 5, END], [6, END, PAD]], [[4, 5, 6], [PAD] * 3], [[PAD] * 3] * 2]
    np.testing.assert_array_equal(padded, rows)


@pytest.mark.parametrize(
    ("references", "message"),
    [([], "at least one image"), ([[[4, 12]]], r"got tokens 2 to 12; wanted 1 to 11"), ([[[0]]], "got tokens 0 to 2")],
)
def test_errors(references, message):
    with pytest.raises(ValueError, match=message):
        document_frequencies(references, 12)


@pytest.mark.realdata
def test_real_captions(realdata):
    texts = collections.defaultdict(list)
    for entry in json.loads((realdata / "annotations" / "captions_val2017.json").read_text())["annotations"]:
        texts[entry["image_id"]].append(entry["caption"])
    texts = [texts[image] for image in sorted(texts)[:1000]]
    vocabulary = Vocabulary.build(itertools.chain.from_iterable(texts), 4)
    corpus = [[vocabulary.encode(text) for text in captions] for captions in texts]
    frequencies = document_frequencies(corpus, len(vocabulary))
    # The last caption of an image against its others: cut at 20 words as in training.
    some = corpus[:200]
    candidates = pad_references([captions[-1:] for captions in some], 20)[:, 0]
    references = pad_references([captions[:-1] for captions in some], 20)
    wanted = pycoco(candidates, references, corpus)
    assert 0.5 < wanted.mean() < 3
    np.testing.assert_allclose(score(candidates, references, frequencies), wanted, rtol=1e-10, atol=1e-12)
    narrow = jax.tree.map(lambda x: jnp.asarray(x, np.float32 if x.dtype == np.float64 else x.dtype), frequencies)
    np.testing.assert_allclose(score(candidates, references, narrow), wanted, atol=1e-5)
