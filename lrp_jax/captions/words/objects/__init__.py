"""Object words: the words of a caption that name categories of boxes.

words = coco_words()
mentions(tokenize("two men eat hot dogs"), words)  # person at 1, hot dog at 3
present(example, words)                            # the objects in the image: from boxes and reference captions
"""

from lrp_jax.captions.words.objects.coco import CATEGORIES, Category
from lrp_jax.captions.words.objects.frequent import FREQUENT_COCO2017, FREQUENT_FLICKR30K
from lrp_jax.captions.words.objects.mentions import Mention, ObjectWords, box_categories, mentions, present
from lrp_jax.captions.words.objects.plurals import plurals
from lrp_jax.captions.words.objects.words import coco_words, read_synonyms

__all__ = [
    "CATEGORIES",
    "FREQUENT_COCO2017",
    "FREQUENT_FLICKR30K",
    "Category",
    "Mention",
    "ObjectWords",
    "box_categories",
    "coco_words",
    "mentions",
    "plurals",
    "present",
    "read_synonyms",
]
