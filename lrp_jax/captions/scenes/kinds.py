"""The forty kinds of objects: groups, words, frequencies and sizes."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of object.

    Attributes:
        name: the kind, and its most frequent word.
        group: one of the ten groups.
        words: (singular, plural) of the name and of its synonyms, most frequent first.
        size: relative area beside other kinds; only the order matters.
        small: whether it always covers 0.8 to 5 % of the image, so that it can be held.
        airborne: whether it is usually up in the air.
    """

    name: str
    group: str
    words: tuple[tuple[str, str], ...]
    size: float
    small: bool = False
    airborne: bool = False


def _forms(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(tuple(pair.split("/")) for pair in text.split())


# In the order of frequency: kind number r has a share proportional to 1 / r.
_KINDS = (
    Kind("man", "people", _forms("man/men guy/guys gentleman/gentlemen"), 2.0),
    Kind("dog", "animals", _forms("dog/dogs puppy/puppies hound/hounds"), 0.9),
    Kind("woman", "people", _forms("woman/women lady/ladies"), 2.0),
    Kind("ball", "toys", _forms("ball/balls"), 0.4, small=True),
    Kind("car", "vehicles", _forms("car/cars automobile/automobiles sedan/sedans"), 2.6),
    Kind("kite", "toys", _forms("kite/kites"), 0.6, small=True, airborne=True),
    Kind("chair", "furniture", _forms("chair/chairs seat/seats"), 1.0),
    Kind("bird", "animals", _forms("bird/birds sparrow/sparrows songbird/songbirds"), 0.4, small=True, airborne=True),
    Kind("palm", "plants", _forms("palm/palms"), 2.8),
    Kind("girl", "people", _forms("girl/girls lass/lasses"), 1.2),
    Kind("boat", "vehicles", _forms("boat/boats sailboat/sailboats ship/ships"), 2.6),
    Kind("bucket", "tools", _forms("bucket/buckets pail/pails"), 0.5, small=True),
    Kind("cat", "animals", _forms("cat/cats kitten/kittens kitty/kitties"), 0.7),
    Kind("boy", "people", _forms("boy/boys lad/lads"), 1.2),
    Kind("tree", "plants", _forms("tree/trees oak/oaks"), 3.2),
    Kind("horse", "animals", _forms("horse/horses pony/ponies stallion/stallions"), 2.4),
    Kind("house", "buildings", _forms("house/houses cottage/cottages"), 3.6),
    Kind("tent", "buildings", _forms("tent/tents"), 2.2),
    Kind("cactus", "plants", _forms("cactus/cacti"), 1.2),
    Kind("bicycle", "vehicles", _forms("bicycle/bicycles bike/bikes cycle/cycles"), 1.9),
    Kind("flower", "plants", _forms("flower/flowers blossom/blossoms daisy/daisies"), 0.4, small=True),
    Kind("table", "furniture", _forms("table/tables desk/desks"), 1.4),
    Kind("apple", "food", _forms("apple/apples"), 0.3, small=True),
    Kind("bus", "vehicles", _forms("bus/buses coach/coaches"), 3.4),
    Kind("umbrella", "tools", _forms("umbrella/umbrellas parasol/parasols"), 0.6, small=True),
    Kind("sofa", "furniture", _forms("sofa/sofas couch/couches settee/settees"), 2.2),
    Kind("balloon", "sky", _forms("balloon/balloons"), 0.5, small=True, airborne=True),
    Kind("lamp", "furniture", _forms("lamp/lamps lantern/lanterns"), 0.7),
    Kind("cake", "food", _forms("cake/cakes dessert/desserts"), 0.4, small=True),
    Kind("plane", "sky", _forms("plane/planes airplane/airplanes jet/jets"), 1.8, airborne=True),
    Kind("teddy", "toys", _forms("teddy/teddies bear/bears"), 0.5, small=True),
    Kind("cloud", "sky", _forms("cloud/clouds"), 1.8, airborne=True),
    Kind("banana", "food", _forms("banana/bananas"), 0.3, small=True),
    Kind("ladder", "tools", _forms("ladder/ladders"), 1.3),
    Kind("castle", "buildings", _forms("castle/castles fortress/fortresses"), 4.0),
    Kind("pizza", "food", _forms("pizza/pizzas"), 0.4, small=True),
    Kind("robot", "toys", _forms("robot/robots android/androids"), 0.9),
    Kind("windmill", "buildings", _forms("windmill/windmills mill/mills"), 3.2),
    Kind("hammer", "tools", _forms("hammer/hammers mallet/mallets"), 0.4, small=True),
    Kind("moon", "sky", _forms("moon/moons crescent/crescents"), 0.9, airborne=True),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _KINDS}
"""The forty kinds by name, most frequent first."""

GROUPS: dict[str, tuple[str, ...]] = {
    group: tuple(kind.name for kind in _KINDS if kind.group == group)
    for group in dict.fromkeys(kind.group for kind in _KINDS)
}
"""The ten groups, each with the names of its kinds."""

SYNONYMS: dict[str, str] = {word: kind.name for kind in _KINDS for forms in kind.words for word in forms}
"""Each singular and plural noun of the captions and the name of the kind that it means."""

LARGE: tuple[str, ...] = tuple(kind.name for kind in _KINDS if not kind.small)
SMALL: tuple[str, ...] = tuple(kind.name for kind in _KINDS if kind.small)

PEOPLE = frozenset(GROUPS["people"])
ANIMATE = PEOPLE | {"dog", "cat", "horse"}
