"""The arms of fine-tuning: LRP inference, and the controls that it is compared with."""

import dataclasses

OMEGAS = ("lrp", "shuffled", "gradient_x_input", "uniform")
PARTS = ("both", "c", "h")
LABELS = ("argmax", "target")
INPUTS = ("teacher_forced", "self_decoded")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arm:
    """How a captioner is fine-tuned; the defaults are LRP-IFT with cross-entropy as in section 5.3.2.

    Plain values, so that a config can hold them: `Arm(**config.arm)`.

    LRP inference raises the logit of the explained label, so it sharpens the model's own prediction. Each control
    removes one part of the method: "shuffled" the choice of the features that are raised, "uniform" the weighting of
    features, "gradient_x_input" the epsilon rule, `parts` one of the two weights, `label="target"` the explanation of
    the model's own word, `focal_gamma` everything but the sharpening.

    Attributes:
      ce_share: lambda of Eq. 31, the weight of the cross-entropy of p; 1 - lambda is that of p-hat. 1 means no LRP
        inference: the matched baseline.
      omega: the weights of the features (Eqs. 28, 29). "lrp": from relevance. "shuffled": those of "lrp" in a random
        order, drawn separately for c, for h and for every word. "gradient_x_input": from the gradient times the input
        in place of the relevance; as the normalisation cancels the epsilon of fc, the two differ only by the epsilon
        of c + h. "uniform": all 1; instead, the rise of the label's logit under "lrp" is added to that logit, one
        number for each word, and the other logits are unchanged.
      parts: what is weighted: "both", only the context "c", or only the hidden state "h"; the other has weights 1.
      label: the word that is explained: "argmax" (Eq. 27), or "target", the correct next word.
      focal_gamma: gamma of the focal loss -(1 - p)^gamma log p in place of each cross-entropy -log p; 0 is
        cross-entropy. The arm of the focal loss has ce_share=1.
      inputs: the words before each position: "teacher_forced", those of the reference (as published), or
        "self_decoded", the model's own greedy caption (Eq. 26 taken literally, see `self_decoded`).
      seed: for "shuffled" if no key is given.

    Raises:
      ValueError: an invalid value.
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
        """Whether the loss uses p-hat."""
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
"""The compared arms, by name; gamma = 2 was the best value of Lin et al. (2017)."""
