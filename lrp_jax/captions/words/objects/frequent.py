"""The object words that the paper counts: the twenty (Flickr30K) and twenty-five (COCO) most frequent in training.

Source: Sun et al., Explain and Improve: LRP-Inference Fine-Tuning for Image Captioning Models, footnotes 5 (section
5.3.1, also for Table 2) and 6 (section 5.3.2, Table 3), from the rarest to the most frequent. They are words, not
categories: "dog" and "dogs" count separately, and "background", "field" and "kitchen" have no boxes in COCO.
"""

FREQUENT_FLICKR30K: tuple[str, ...] = (
    "dogs", "building", "person", "background", "field", "women", "hat", "ball", "children", "child", "water", "street",
    "boy", "dog", "girl", "men", "shirt", "people", "woman", "man",
)  # fmt: skip

FREQUENT_COCO2017: tuple[str, ...] = (
    "clock", "kitchen", "picture", "water", "food", "pizza", "grass", "building", "bus", "sign", "bathroom", "baseball",
    "dog", "room", "cat", "plate", "train", "field", "tennis", "person", "table", "street", "woman", "people", "man",
)  # fmt: skip
