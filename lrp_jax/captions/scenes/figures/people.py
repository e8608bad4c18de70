"""People: one body with the proportions of an adult or a child, in clothes of the colour that captions name."""

from lrp_jax.captions.scenes.pen import Pen, Point

# Positions of the hands of the near and the far arm, relative to the middle of the shoulders, in arm lengths.
_HANDS: dict[str, tuple[Point, Point]] = {
    "rest": ((0.62, 0.92), (-0.62, 0.92)),
    "hip": ((0.42, 0.66), (-0.62, 0.92)),
    "wave": ((1.0, -0.78), (-0.58, 0.92)),
    "hold": ((1.22, 0.18), (-0.55, 0.92)),
    "raise": ((0.5, -1.22), (-0.5, -1.22)),
    "push": ((1.26, 0.16), (1.18, 0.3)),
    "ride": ((1.05, 0.4), (0.95, 0.5)),
    "sit": ((0.8, 0.78), (-0.3, 0.9)),
    "run": ((0.92, 0.25), (-0.88, 0.5)),
}


def _person(pen: Pen, u: tuple[float, ...], gesture: str, *, child: bool, female: bool) -> None:
    if gesture == "rest":
        gesture = ("rest", "hip", "wave", "rest")[int(u[0] * 4) % 4]
    head_r = 15.0 if child else 11.0
    head_y = head_r + 1
    shoulder_y = head_y + head_r + (3 if child else 5)
    hip_y = 64.0 if child else 57.0
    half = 10.5 if child else (11.0 if female else 13.5)
    arm = hip_y - shoulder_y + (2 if child else 4)
    seated = gesture in ("ride", "sit")
    lower = "skin" if (child or female) else "denim"
    sway = (u[1] - 0.5) * 4
    near_hand, far_hand = ((x * arm, shoulder_y + 3 + y * arm) for x, y in _HANDS[gesture])

    def arm_to(hand: Point, side: float, sleeve: str) -> None:
        shoulder = (side * (half - 2), shoulder_y + 3)
        bend = 2.5 if gesture not in ("hold", "push") else 1.0
        elbow = ((shoulder[0] + hand[0]) / 2 + side * bend, (shoulder[1] + hand[1]) / 2 + bend)
        pen.limb("skin", elbow, hand, 5.0, 4.4)
        pen.limb(sleeve, shoulder, elbow, 7.4, 6.2)
        pen.oval("skin", *hand, 3.4)

    def leg(hip: Point, knee: Point, foot: Point, trousers: str) -> None:
        pen.limb(trousers, hip, knee, 9.0, 7.6)
        pen.limb(lower, knee, foot, 7.4, 6.0)
        pen.limb("shoe", (foot[0] - 1, foot[1] + 1), (foot[0] + 5.5, foot[1] + 2), 5.6, 4.6)

    if female and not child and u[2] > 0.3:  # long hair, behind everything
        pen.blob("hair", (-head_r - 2, head_y), (0, -1), (head_r + 1, head_y), (head_r - 1, shoulder_y + 10),
                 (0, shoulder_y + 4), (-head_r - 1, shoulder_y + 11))  # fmt: skip
    if female and child:  # two tails
        for side in (-1, 1):
            pen.oval("hair", side * (head_r + 4), head_y + 3, 5.2, 9.5, turn=-side * 24)
            pen.oval("base", side * (head_r + 0.5), head_y - 5, 3.2, 3.2)
    if gesture in ("push", "ride", "run"):
        arm_to(far_hand, 1 if gesture != "run" else -1, "dark")
    trousers = lower if female else "denim"
    if seated:
        for shift in (2.5, 0.0):
            leg((-2 + shift, hip_y + 2), (20 + shift, hip_y + 4), (17 + 2 * shift, hip_y + 30), trousers)
        pen.anchor("seat", 2, hip_y + 6)
    elif gesture == "run":
        leg((-2, hip_y), (-9, hip_y + 17), (-24, 90), trousers)
        leg((2, hip_y), (13, hip_y + 16), (15, 96), trousers)
    else:
        stride = 2.5 + 4 * u[3] + (5 if gesture == "push" else 0)
        leg((-4.5, hip_y), (-5.5 - stride / 2, 78), (-5 - stride, 96), trousers)
        leg((4.5, hip_y), (5.0 + stride / 2, 78), (4 + stride, 96), trousers)
    if not female and child and not seated and gesture != "run":
        pen.poly("denim", (-9, hip_y - 3), (9, hip_y - 3), (12, hip_y + 13), (1, hip_y + 13), (0, hip_y + 7),
                 (-1, hip_y + 13), (-12, hip_y + 13))  # fmt: skip
    if gesture not in ("push", "ride", "run"):
        arm_to(far_hand, -1, "dark")

    if female:
        hem = hip_y + (14 if seated else 20 if child else 22)
        flare = 15.5 + 3 * u[4] + (6 if seated else 0)
        pen.blob("base", (-half + 1, shoulder_y), (0, shoulder_y - 2), (half - 1, shoulder_y), (half - 2.5, hip_y - 14),
                 (flare + sway, hem), (0, hem + 3), (-flare + sway, hem), (-half + 2.5, hip_y - 14))  # fmt: skip
        pen.blob("dark", (-half + 1, shoulder_y + 2), (-half + 5, shoulder_y + 4), (-4, hip_y - 12),
                 (-flare * 0.35, hem), (-flare + sway, hem), (-half + 2.5, hip_y - 14))  # fmt: skip
        pen.limb("deep", (-half + 4, hip_y - 13), (half - 4, hip_y - 13), 2.6)
    else:
        pen.blob("base", (-half, shoulder_y + 1), (0, shoulder_y - 2), (half, shoulder_y + 1), (half - 2, hip_y - 6),
                 (half - 3, hip_y + 3), (-half + 3, hip_y + 3), (-half + 2, hip_y - 6))  # fmt: skip
        pen.blob("dark", (-half, shoulder_y + 2), (-half + 5, shoulder_y + 3), (-3, hip_y - 4), (-3, hip_y + 3),
                 (-half + 3, hip_y + 3), (-half + 2, hip_y - 6))  # fmt: skip
        if not child:
            pen.rect("ink", -half + 3, hip_y + 1, half - 3, hip_y + 4)

    pen.rect("skin dark", -3.2, head_y + head_r - 3, 3.2, shoulder_y + 1.5)
    x = 1.5
    pen.oval("skin", x * 0.4, head_y, head_r * 0.93, head_r)
    if female:
        pen.blob("hair", (-head_r - 0.5, head_y + 3), (-head_r * 0.8, head_y - head_r * 0.8), (0, -1.5),
                 (head_r * 0.9, head_y - head_r * 0.7), (head_r, head_y), (head_r * 0.5, head_y - head_r * 0.5),
                 (-head_r * 0.5, head_y - head_r * 0.35))  # fmt: skip
        if not child and u[2] <= 0.3:
            pen.oval("hair", -head_r * 0.55, 0, 6, 5)
    elif child:
        pen.blob("base", (-head_r - 0.5, head_y - 4), (-head_r * 0.7, 2), (0, -0.5), (head_r * 0.7, 2),
                 (head_r + 0.5, head_y - 4))  # fmt: skip
        pen.limb("deep", (2, head_y - 5), (head_r + 8, head_y - 4), 4.4, 3.2)
    else:
        pen.blob("hair", (-head_r, head_y + 1), (-head_r * 0.85, 3), (0, -1.5), (head_r * 0.85, 3),
                 (head_r, head_y - 2), (head_r * 0.5, head_y - 5.5), (-head_r * 0.6, head_y - 4.5))  # fmt: skip
        if u[2] > 0.72:
            pen.blob("hair", (-head_r * 0.85, head_y + 3), (0, head_y + 6), (head_r * 0.9, head_y + 3),
                     (5, head_y + 13), (-5, head_y + 13))  # fmt: skip
    eye = 1.7 if child else 1.4
    for side in (-1, 1):
        pen.oval("ink", x + side * head_r * 0.38, head_y + 1, eye, eye * 1.25)
    pen.curve("mouth", 1.5, (x - 3, head_y + head_r * 0.5), (x, head_y + head_r * 0.62), (x + 3, head_y + head_r * 0.5))
    if gesture == "raise":
        arm_to(near_hand, 1, "base")
        pen.anchor("hand", 0, near_hand[1] - 2)
    else:
        arm_to(near_hand, 1, "light")
        pen.anchor("hand", *near_hand)


def man(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    _person(pen, u, gesture, child=False, female=False)


def woman(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    _person(pen, u, gesture, child=False, female=True)


def boy(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    _person(pen, u, gesture, child=True, female=False)


def girl(pen: Pen, u: tuple[float, ...], gesture: str) -> None:
    _person(pen, u, gesture, child=True, female=True)
