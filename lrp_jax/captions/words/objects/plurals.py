"""English plurals.

Cutting off a final s does not give the singular: it turns "bus" into "bu" and "grass" into "gras", and leaves "men".
Instead the plurals of all wanted nouns are put into a table. A lookup then finds exactly the plurals of these nouns.
"""

import re

# The nouns of COCO's categories for which the rule is wrong. Where two forms are in use both are listed, the usual one
# first.
_IRREGULAR: dict[str, tuple[str, ...]] = {
    "buffalo": ("buffalo", "buffaloes", "buffalos"),
    "bus": ("buses", "busses"),
    "calf": ("calves",),
    "child": ("children",),
    "flamingo": ("flamingos", "flamingoes"),
    "fowl": ("fowl", "fowls"),
    "gentleman": ("gentlemen",),
    "goose": ("geese",),
    "grandchild": ("grandchildren",),
    "knife": ("knives",),
    "man": ("men",),
    "mouse": ("mice",),
    "ox": ("oxen",),
    "peafowl": ("peafowl", "peafowls"),
    "person": ("people", "persons"),
    "pocketknife": ("pocketknives",),
    "policeman": ("policemen",),
    "quail": ("quail", "quails"),
    "serviceman": ("servicemen",),
    "thief": ("thieves",),
    "waterfowl": ("waterfowl", "waterfowls"),
    "woman": ("women",),
}
_UNCHANGED = frozenset(("aircraft", "bison", "cattle", "scissors", "sheep", "skis", "watercraft"))

_CONSONANT_Y = re.compile(r"[^aeiou]y$")
_HISS = re.compile(r"(s|x|z|ch|sh)$")


def plurals(noun: str) -> tuple[str, ...]:
    """The plural forms of a noun, the usual one first.

    Irregular plurals are known for the nouns of `CATEGORIES`; any other noun follows the rule: y after a consonant
    becomes ies, a sibilant (s, x, z, ch, sh) gets es, everything else s.

    Args:
      noun: singular, lower case; in a noun of several words the last one is inflected.

    Returns:
      At least one form. It may be the noun itself ("sheep").
    """
    first, space, last = noun.rpartition(" ")
    if last in _UNCHANGED:
        forms = (last,)
    elif last in _IRREGULAR:
        forms = _IRREGULAR[last]
    elif _CONSONANT_Y.search(last):
        forms = (last[:-1] + "ies",)
    elif _HISS.search(last):
        forms = (last + "es",)
    else:
        forms = (last + "s",)
    return tuple(first + space + form for form in forms)
