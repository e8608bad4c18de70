"""The arms of fine-tuning: LRP inference, and what it has to be told apart from."""

import dataclasses

OMEGAS = ("lrp", "shuffled", "gradient_x_input", "uniform")
PARTS = ("both", "c", "h")
LABELS = ("argmax", "target")
INPUTS = ("teacher_forced", "self_decoded")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arm:
    """How a captioner is fine-tuned; the defaults are LRP-IFT with cross-entropy as in section 5.3.2.

    Plain values, so that a config can hold them: `Arm(**config.arm)`.

    LRP inference raises the logit of the label that it explains, so it sharpens what the model says already. Each of
    the other values takes one part of it away: "shuffled" which features are raised, "uniform" that features are
    weighted at all, "gradient_x_input" the epsilon rule, `parts` one of the two weights, `label="target"` that the
    model's own word is explained, `focal_gamma` everything but the sharpening.

    Attributes:
      ce_share: lambda of Eq. 31, the share of the cross-entropy of p; the rest is that of p-hat. With 1 there is no
        LRP inference: the matched baseline.
      omega: the weights of the features (Eqs. 28, 29). "lrp". "shuffled": those of "lrp" in a random order, drawn anew
        for c, for h and for every word. "gradient_x_input": from the gradient times the input in place of the
        relevance; the normalisation cancels the epsilon of fc, so the one of c + h is all that differs. "uniform": all
        1, and to the logit of the label is added by how much it rises under "lrp": a number for each word, and the
        other logits stay.
      parts: what is weighted: "both", only the context "c", or only the hidden state "h"; the other has weights 1.
      label: the word that is explained: "argmax" (Eq. 27), or "target", the word that should follow.
      focal_gamma: gamma of the focal loss -(1 - p)^gamma log p in place of each cross-entropy -log p; 0 is
        cross-entropy. The arm of the focal loss has ce_share=1.
      inputs: the words before each position: "teacher_forced", those of the reference (as published), or
        "self_decoded", the model's own greedy caption (Eq. 26 by the letter, see `self_decoded`).
      seed: of "shuffled" where no key is given.

    Raises:
      ValueError: for any other value.
    """

    ce_share: float = 0.5
    omega: str = "lrp"
    parts: str = "both"
    label: str = "argmax"
    focal_gamma: float = 0.0
    inputs: str = "teacher_forced"
    seed: int = 0

    def __post_init__(self):
        for name, known in (("omega", OMEGAS), ("parts", PARTS), ("label", LABELS), ("inputs", INPUTS)):
            if getattr(self, name) not in known:
                raise ValueError(f"got {name}={getattr(self, name)!r}; wanted one of {', '.join(known)}")
        if not 0 <= self.ce_share <= 1:
            raise ValueError(f"got ce_share={self.ce_share}; wanted lambda of Eq. 31, from 0 to 1")
        if self.focal_gamma < 0:
            raise ValueError(f"got focal_gamma={self.focal_gamma}; wanted 0 (cross-entropy) or more")

    @property
    def reweights(self) -> bool:
        """Whether p-hat takes part at all."""
        return self.ce_share < 1


ARMS = {
    "baseline": Arm(ce_share=1.0),
    "lrp": Arm(),
    "shuffled": Arm(omega="shuffled"),
    "uniform": Arm(omega="uniform"),
    "gradient_x_input": Arm(omega="gradient_x_input"),
    "focal": Arm(ce_share=1.0, focal_gamma=2.0),
    "c_only": Arm(parts="c"),
    "h_only": Arm(parts="h"),
    "target": Arm(label="target"),
    "lambda_0": Arm(ce_share=0.0),
    "lambda_25": Arm(ce_share=0.25),
    "lambda_75": Arm(ce_share=0.75),
}
"""The arms that are compared, by name; gamma = 2 is what Lin et al. (2017) found best."""
