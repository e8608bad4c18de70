"""The plural of a noun, as English has it.

To cut an s off a word is not to undo a plural: it makes "bu" of "bus" and "gras" of "grass", and leaves "men" as it
is. Made the other way round, from the nouns that are looked for, a plural is found by one look into a table, and a word
that is no plural of any of them is never taken for one.
"""

import re

# Of the nouns that name COCO's categories, those that the rule gets wrong. Where two forms are in use both stand here,
# the usual one first.
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

    Irregular ones are known for the nouns of `CATEGORIES`; any other noun follows the rule: y after a consonant
    becomes ies, after a hiss comes es, otherwise s.

    Args:
      noun: singular, lower case; of several words the last is inflected.

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
