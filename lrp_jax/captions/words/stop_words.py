"""NLTK's English stop words, in our tokens.

NLTK downloads its list at run time; here it is part of the source, so that a run needs no network and a new version of
the list changes no result. This is the version of 179 words, current in 2020, when the paper was written.

Source: nltk.corpus.stopwords.words("english"), from https://github.com/nltk/nltk_data (packages/corpora/stopwords). By
its README the list came from Snowball (https://snowballstem.org, BSD 3-clause) and was augmented by NLTK's users, see
nltk_data issue 22; for the package itself nltk_data states no licence.
"""

from lrp_jax.captions.words.tokens import tokenize
from lrp_jax.captions.words.vocabulary import END, PAD, START, UNK, Vocabulary

_NLTK = """
i me my myself we our ours ourselves you you're you've you'll you'd your yours yourself yourselves he him his
himself she she's her hers herself it it's its itself they them their theirs themselves what which who whom this
that that'll these those am is are was were be been being have has had having do does did doing a an the and but
if or because as until while of at by for with about against between into through during before after above below
to from up down in out on off over under again further then once here there when where why how all any both each
few more most other some such no nor not only own same so than too very s t can will just don don't should
should've now d ll m o re ve y ain aren aren't couldn couldn't didn didn't doesn doesn't hadn hadn't hasn hasn't
haven haven't isn isn't ma mightn mightn't mustn mustn't needn needn't shan shan't shouldn shouldn't wasn wasn't
weren weren't won won't wouldn wouldn't
"""

NLTK_ENGLISH = tuple(_NLTK.split())
"""NLTK's list, in its order."""

STOP_WORDS = frozenset(token for word in NLTK_ENGLISH for form in (word, f"'{word}") for token in tokenize(form))
"""The same words as tokens of `tokenize`.

`tokenize` splits contractions, so "don't" is not a token: its parts "do" and "n't" are both stop words, and so are "wo"
and "sha" of "won't" and "shan't". Clitics, which the list has without apostrophe (s, re, m), are included as "'s",
"'re", "'m" too.
"""


def stop_ids(vocabulary: Vocabulary) -> tuple[int, ...]:
    """The labels that LRP inference does not re-weight: the special tokens, and the stop words of a vocabulary.

    `<pad>`, `<start>`, `<end>` and `<unk>` count as stop words: none of them describes an image.

    Returns:
      Ids in ascending order.
    """
    words = (vocabulary.ids[word] for word in STOP_WORDS if word in vocabulary.ids)
    return tuple(sorted({PAD, START, END, UNK, *words}))
