"""The words of the captions, most frequent first in every list."""

from lrp_jax.captions.scenes.colours import COLOURS

# Synonyms of the colours; each sometimes replaces its colour.
COLOUR_SYNONYMS: dict[str, tuple[str, ...]] = {
    "red": ("crimson", "scarlet", "ruby"),
    "blue": ("navy", "azure", "sapphire"),
    "green": ("emerald", "lime", "olive"),
    "yellow": ("golden", "lemon"),
    "white": ("ivory", "pearl"),
    "brown": ("chocolate", "chestnut"),
    "orange": ("amber", "tangerine"),
    "black": ("ebony", "inky"),
    "purple": ("violet", "lilac"),
    "pink": ("rosy", "magenta"),
    "gray": ("silver", "ashen"),
    "turquoise": ("teal", "cyan"),
}

COLOUR_WORDS: dict[str, str] = {word: colour for colour in COLOURS for word in (colour, *COLOUR_SYNONYMS[colour])}
"""Each colour word of the captions and the colour of `COLOURS` that it names."""

NUMBER_WORDS: dict[str, int] = {"a": 1, "an": 1, "two": 2, "three": 3, "pair": 2, "couple": 2, "trio": 3}
"""Each number word of the captions and its number."""

PLURALS: dict[int, tuple[str, ...]] = {
    2: ("two", "a pair of", "a couple of"),
    3: ("three", "a trio of"),
}

SIZES: dict[str, tuple[str, ...]] = {
    "large": ("big", "large", "huge", "giant", "enormous", "massive"),
    "small": ("small", "little", "tiny", "wee", "miniature"),
}

CLOTHES: dict[str, tuple[str, ...]] = {
    "man": ("shirt", "sweater", "jacket", "coat", "pullover"),
    "boy": ("shirt", "sweater", "jacket", "hoodie", "pullover"),
    "woman": ("dress", "gown", "robe", "frock"),
    "girl": ("dress", "frock", "gown", "robe"),
}

# Adjectives without visual meaning: they imitate the long tail of words in real captions.
FLAVOUR: tuple[str, ...] = (
    "pretty", "nice", "lovely", "cute", "fine", "funny", "old", "new", "neat", "plain", "shiny", "odd", "strange",
    "cheerful", "simple", "curious", "charming", "lonely", "fancy", "elegant", "ordinary", "familiar", "graceful",
    "humble", "peculiar", "splendid", "quaint", "modest", "famous", "noble", "sturdy", "dainty", "rustic", "jolly",
    "weary", "proud", "gentle", "handsome", "mysterious", "peaceful", "stylish", "tidy", "vivid", "quirky",
    "delightful", "antique", "dapper", "timid", "merry", "remarkable", "unusual", "worn", "polished", "striking",
    "ancient", "playful", "sleepy", "magnificent", "pleasant", "solemn", "weathered", "marvelous", "whimsical",
    "glorious", "bashful", "stately", "homely", "exotic", "battered", "spotless", "dreamy", "comical", "radiant",
    "rugged", "serene", "drowsy", "enchanting", "picturesque", "venerable", "flamboyant", "inconspicuous",
)  # fmt: skip

ADVERBS: tuple[str, ...] = (
    "quietly", "calmly", "happily", "slowly", "patiently", "alone", "proudly", "silently", "carefully", "gently",
    "lazily", "eagerly", "cheerfully", "peacefully", "nervously", "boldly", "gracefully", "idly", "awkwardly",
    "politely", "solemnly", "gladly", "briskly", "dreamily", "sleepily", "cautiously", "clumsily", "merrily",
    "serenely", "timidly",
)  # fmt: skip

PLACES: dict[str, tuple[str, ...]] = {
    "park": ("in the park", "on the grass", "in a park", "on the lawn", "in the meadow", "in a field"),
    "street": ("on the street", "on the road", "in the street", "on a road", "in the city", "on the pavement"),
    "room": ("in the room", "in a room", "in the living room", "indoors", "on the carpet", "in the parlor"),
    "beach": ("on the beach", "at the beach", "on the sand", "by the sea", "on the shore", "at the seaside"),
    "lake": ("on the lake", "on the water", "in the water", "on a lake", "on the waves", "on the pond"),
    "kitchen": ("in the kitchen", "in a kitchen", "on the kitchen floor", "on the tiles", "on the checkered floor"),
    "snow": ("in the snow", "on the snow", "in deep snow", "in the cold", "in winter", "on the ice"),
    "desert": ("in the desert", "in a desert", "on the dunes", "in the hot desert", "in the dry sand"),
    "mountains": ("in the mountains", "near the mountains", "on the hillside", "in the highlands", "in the alps"),
    "stage": ("on the stage", "on a stage", "in the theater", "in the spotlight", "at the opera"),
}

LIGHT_PHRASES: dict[str, tuple[str, ...]] = {
    "day": ("on a sunny day", "on a clear day", "in the sunshine", "at noon", "in broad daylight"),
    "evening": ("in the evening", "at sunset", "at dusk", "in the evening glow", "at twilight"),
    "mist": ("in the fog", "in the mist", "on a foggy day", "on a misty day", "on a hazy morning"),
    "night": ("at night", "in the dark", "after dark", "late at night", "at midnight"),
}

# {be} becomes "is" or "are", by the number of the subject.
INTRODUCTIONS: tuple[str, ...] = (
    "there {be}", "a picture of", "this picture shows", "we see", "here {be}", "a drawing of",
    "in this picture there {be}", "you can see", "the picture shows", "an image of", "this is a picture of",
    "a painting of", "this image shows", "we can see", "a scene with", "a view of", "a sketch of",
    "this is a drawing of", "here we see", "an illustration of", "the scene shows", "behold", "look at", "a cartoon of",
)  # fmt: skip

# For a subject without a relation that is told.
POSTURES: dict[str, tuple[str, ...]] = {
    "alive": ("standing", "waiting", "posing", "lingering", "loitering"),
    "thing": ("standing", "placed", "located", "seen", "positioned"),
    "airborne": ("floating", "flying", "hovering", "drifting", "soaring"),
}

FORWARD: dict[str, tuple[str, ...]] = {
    "and": ("and",),
    "holding": ("holding", "gripping", "clutching"),
    "carrying": ("carrying", "lifting", "hauling"),
    "watching": ("watching", "looking at", "observing", "admiring", "staring at"),
    "riding": ("riding", "riding on", "mounted on"),
    "chasing": ("chasing", "running after", "following", "pursuing"),
    "pushing": ("pushing", "shoving", "moving"),
    "sitting on": ("sitting on", "seated on", "resting on", "perched on"),
    "on": ("standing on", "on top of", "on", "balancing on"),
    "left of": ("to the left of", "left of"),
    "right of": ("to the right of", "right of"),
    "beside": ("next to", "beside", "near", "close to", "by", "alongside"),
    "behind": ("behind", "half hidden by", "partly hidden by"),
    "in front of": ("in front of", "before", "ahead of"),
    "above": ("above", "over", "high above"),
    "below": ("below", "under", "underneath"),
}

# The same relations, worded from the object.
BACKWARD: dict[str, tuple[str, ...]] = {
    "holding": ("held by",),
    "carrying": ("carried by",),
    "watching": ("watched by",),
    "riding": ("ridden by",),
    "chasing": ("chased by", "followed by"),
    "pushing": ("pushed by",),
    "sitting on": ("beneath", "supporting"),
    "on": ("beneath", "supporting"),
    "left of": FORWARD["right of"],
    "right of": FORWARD["left of"],
    "beside": FORWARD["beside"],
    "behind": FORWARD["in front of"],
    "in front of": FORWARD["behind"],
    "above": FORWARD["below"],
    "below": FORWARD["above"],
}

SPATIAL = frozenset(("left of", "right of", "beside", "behind", "in front of", "above", "below"))
