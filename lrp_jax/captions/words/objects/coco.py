"""COCO's eighty categories and the nouns that name them.

CHAIR depends on the category of each noun, so the published table is copied noun by noun, doubtful entries included
(an "orange" shirt is a fruit, a "bow" a tie): scores of a better table could not be compared with published ones.
Ids and supercategories are those of COCO's instances files, which do not use ten of the ids up to 90.

Source of the nouns: data/synonyms.txt of https://github.com/LisaAnne/Hallucination, made for Rohrbach et al., Object
Hallucination in Image Captioning, EMNLP 2018, from the list of Lu et al., Neural Baby Talk, CVPR 2018.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Category:
    """A category of COCO.

    Attributes:
      id: as in COCO's files, 1 to 90 with gaps.
      name: the name of its boxes.
      supercategory: the group it belongs to, one of twelve.
      nouns: other names, singular (see `plurals`), in alphabetical order.
    """

    id: int
    name: str
    supercategory: str
    nouns: tuple[str, ...] = ()


def _group(supercategory: str, *rows: tuple[int, str, str]) -> list[Category]:
    return [
        Category(number, name, supercategory, tuple(nouns.replace("\n", " ").split(", ") if nouns else ()))
        for number, name, nouns in rows
    ]


_PERSON = (
    "adult, baby, baker, bicyclist, biker, boy, bride, buyer, caller, camper, chef, child, cop, cowboy, coworker, "
    "doctor, drinker, driver, father, female, foreigner, gentleman, girl, grandchild, groom, guy, hunter, kid, lady, "
    "male, man, mother, offender, officer, passenger, patient, pitcher, player, policeman, politician, rider, "
    "serviceman, shopper, sister, skateboarder, skater, skier, snowboarder, soldier, student, teenager, thief, "
    "traveler, trespasser, villager, walker, woman, worker"
)
_BOAT = (
    "barge, battleship, canoe, catamaran, dinghy, ferry, ferryboat, freighter, houseboat, kayak, lifeboat, liner, "
    "motorboat, paddleboat, pontoon, powerboat, riverboat, rowboat, sailboard, sailboat, schooner, ship, skiff, "
    "speedboat, steamboat, steamship, trawler, tugboat, vessel, watercraft, yacht"
)
_BIRD = (
    "blackbird, bluebird, bluejay, buzzard, chickadee, cockatiel, cockatoo, condor, cormorant, cowbird, crow, duck, "
    "egret, falcon, finch, flamingo, fowl, goose, gosling, gull, heron, hummingbird, kingfisher, loon, lorikeet, "
    "macaw, magpie, mallard, oriole, osprey, ostrich, owl, parakeet, parrot, peacock, peafowl, pelican, pheasant, "
    "pigeon, puffin, quail, raven, robin, rooster, sandpiper, seabird, seagull, shorebird, songbird, sparrow, swan, "
    "turkey, vulture, warbler, waterbird, waterfowl, willet, woodpecker"
)
_DOG = (
    "beagle, brindle, bulldog, canine, chihuahua, cocker, collie, corgi, dachshund, doberman, doggie, doggy, "
    "greyhound, hound, husky, labrador, mutt, pitbull, poodle, pug, pup, puppy, retriever, rottweiler, schnauzer, "
    "sheepdog, spaniel, terrier, weimaraner, whippet"
)
_HORSE = "bronc, bronco, clydesdale, colt, equine, foal, mare, mustang, palomino, pony, racehorse, stallion"
_COW = "bison, buffalo, bull, calf, cattle, heifer, holstein, ox, zebu"

CATEGORIES: tuple[Category, ...] = (
    *_group("person", (1, "person", _PERSON)),
    *_group(
        "vehicle",
        (2, "bicycle", "bike, minibike, trike, unicycle"),
        (3, "car", "automobile, cab, coupe, hatchback, jeep, limo, minivan, sedan, suv, taxi, taxicab, van"),
        (4, "motorcycle", "moped, motor bike, motor cycle, motorbike, scooter"),
        (5, "airplane", "air plane, airbus, aircraft, biplane, jet, jetliner, monoplane, plane, seaplane"),
        (6, "bus", "minibus, trolley"),
        (7, "train", "caboose, locomotive, tramway"),
        (8, "truck", "firetruck, hauler, lorry, pickup"),
        (9, "boat", _BOAT),
    ),
    *_group(
        "outdoor",
        (10, "traffic light", "stop light, stoplight, street light, streetlight, traffic signal"),
        (11, "fire hydrant", "hydrant"),
        (13, "stop sign", ""),
        (14, "parking meter", ""),
        (15, "bench", "pew"),
    ),
    *_group(
        "animal",
        (16, "bird", _BIRD),
        (17, "cat", "feline, kitten, tabby"),
        (18, "dog", _DOG),
        (19, "horse", _HORSE),
        (20, "sheep", "ewe, goat, lamb, ram"),
        (21, "cow", _COW),
        (22, "elephant", ""),
        (23, "bear", "panda"),
        (24, "zebra", ""),
        (25, "giraffe", ""),
    ),
    *_group(
        "accessory",
        (27, "backpack", "knapsack"),
        (28, "umbrella", ""),
        (31, "handbag", "briefcase, purse, wallet"),
        (32, "tie", "bow, bow tie"),
        (33, "suitcase", "luggage, suit case"),
    ),
    *_group(
        "sports",
        (34, "frisbee", ""),
        (35, "skis", "ski"),
        (36, "snowboard", ""),
        (37, "sports ball", "ball"),
        (38, "kite", ""),
        (39, "baseball bat", ""),
        (40, "baseball glove", ""),
        (41, "skateboard", ""),
        (42, "surfboard", "longboard, shortboard, skimboard, wakeboard"),
        (43, "tennis racket", "racket"),
    ),
    *_group(
        "kitchen",
        (44, "bottle", ""),
        (46, "wine glass", ""),
        (47, "cup", ""),
        (48, "fork", ""),
        (49, "knife", "pocketknife"),
        (50, "spoon", ""),
        (51, "bowl", "container"),
    ),
    *_group(
        "food",
        (52, "banana", ""),
        (53, "apple", ""),
        (54, "sandwich", "burger, cheeseburger, hamburger, sub"),
        (55, "orange", ""),
        (56, "broccoli", ""),
        (57, "carrot", ""),
        (58, "hot dog", ""),
        (59, "pizza", ""),
        (60, "donut", "bagel, doughnut"),
        (61, "cake", "cheesecake, coffeecake, cupcake, pancake, shortcake"),
    ),
    *_group(
        "furniture",
        (62, "chair", "seat, stool"),
        (63, "couch", "chesterfield, futon, loveseat, recliner, settee, sofa"),
        (64, "potted plant", "houseplant"),
        (65, "bed", ""),
        (67, "dining table", "desk, table"),
        (70, "toilet", "commode, lavatory, potty, urinal"),
    ),
    *_group(
        "electronic",
        (72, "tv", "monitor, television"),
        (73, "laptop", "computer, laptop computer, lenovo, macbook, netbook, notebook"),
        (74, "mouse", ""),
        (75, "remote", ""),
        (76, "keyboard", ""),
        (77, "cell phone", "cellphone, iphone, mobile phone, phone, smartphone, telephone"),
    ),
    *_group(
        "appliance",
        (78, "microwave", ""),
        (79, "oven", "stove, stove top oven, stovetop"),
        (80, "toaster", ""),
        (81, "sink", ""),
        (82, "refrigerator", "freezer, fridge"),
    ),
    *_group(
        "indoor",
        (84, "book", ""),
        (85, "clock", ""),
        (86, "vase", ""),
        (87, "scissors", ""),
        (88, "teddy bear", "teddybear"),
        (89, "hair drier", "hairdryer"),
        (90, "toothbrush", ""),
    ),
)
"""All eighty, in the order of their ids, which is also the order of the class numbers 0 to 79 of detectors."""

MISSPELT: dict[str, str] = {
    "childrens": "person",
    "knive": "knife",
    "peoples": "person",
    "phon": "cell phone",
    "solider": "person",
    "televison": "tv",
    "wine glas": "wine glass",
}
"""Further spellings that the published code accepts: typos of annotators and artefacts of its singulariser."""

ANIMALS = ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe")
"""Nouns after which "baby" and "adult" do not name a person: a baby elephant is an elephant, not a person."""
