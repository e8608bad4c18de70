"""When to learn more slowly, and when to stop."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Plateau:
    """The learning rate of a run, decided by the validation score of its epochs (section 5.1).

    The rate falls by `factor` whenever the best score has not been beaten for another `patience` epochs, and
    training stops when it has not been beaten for `stop_after`. All fields are plain numbers: saved with a
    checkpoint and read back, they go on as if nothing had happened.

    Attributes:
      learning_rate: of the next epoch.
      factor: what remains of the rate when it is annealed; 0.8 is the paper's 20 %.
      patience: epochs without a gain before the rate falls; 3 in the paper.
      stop_after: epochs without a gain before training stops; 6 in the paper.
      least: the rate never falls below this.
      best: the best score so far; None before the first.
      waited: epochs since then.

    Example:
      >>> plateau = Plateau(5e-4)
      >>> for score in (0.9, 0.8, 0.8, 0.8):
      ...     plateau = plateau.after(score)
      >>> plateau.learning_rate
      0.0004
    """

    learning_rate: float
    factor: float = 0.8
    patience: int = 3
    stop_after: int = 6
    least: float = 0.0
    best: float | None = None
    waited: int = 0

    def after(self, score: float) -> "Plateau":
        """The schedule after an epoch whose validation score was `score` (higher is better)."""
        if self.best is None or score > self.best:
            return dataclasses.replace(self, best=float(score), waited=0)
        waited, rate = self.waited + 1, self.learning_rate
        if waited % self.patience == 0:
            rate = max(rate * self.factor, min(self.least, rate))
        return dataclasses.replace(self, waited=waited, learning_rate=rate)

    @property
    def stopped(self) -> bool:
        """Whether training should stop."""
        return self.waited >= self.stop_after

    def rate(self, step: int) -> float:
        """The rate of a step: that of its epoch."""
        del step
        return self.learning_rate


@dataclasses.dataclass(frozen=True)
class Linear:
    """A rate that falls evenly to zero at the last step, and never stops before.

    It reaches in a few epochs what a plateau needs many for, as the noise of the steps ends with the rate; how many
    must be known beforehand. Saved and read back as `Plateau` is.

    Attributes:
      learning_rate: of the first step.
      steps: how many there are.
      best: the best score so far; None before the first.
    """

    learning_rate: float
    steps: int
    best: float | None = None

    def after(self, score: float) -> "Linear":
        """The schedule after an epoch whose validation score was `score` (higher is better)."""
        return self if self.best is not None and score <= self.best else dataclasses.replace(self, best=float(score))

    @property
    def stopped(self) -> bool:
        """Never before the last step."""
        return False

    def rate(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        return self.learning_rate * max(0.0, 1 - step / self.steps)


Schedule = Plateau | Linear
