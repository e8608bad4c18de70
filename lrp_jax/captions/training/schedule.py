"""Learning rate schedules, and early stopping."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Plateau:
    """A learning rate that depends on the validation score of each epoch (section 5.1).

    The rate is multiplied by `factor` after every `patience` epochs without a new best score, and training stops after
    `stop_after` such epochs. All fields are plain numbers, which are saved with a checkpoint and restored.

    Attributes:
      learning_rate: of the next epoch.
      factor: the factor on the rate; 0.8 is the paper's reduction by 20 %.
      patience: epochs without improvement before the rate falls; 3 in the paper.
      stop_after: epochs without improvement before training stops; 6 in the paper.
      least: the rate never falls below this.
      best: the best score so far; None before the first epoch.
      waited: epochs since the best score.

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
    """A learning rate that falls linearly to zero at the last step, without early stopping.

    It needs fewer epochs than `Plateau`, because the noise of the steps falls with the rate; the number of steps must
    be known in advance. Saved and restored like `Plateau`.

    Attributes:
      learning_rate: of the first step.
      steps: the number of steps.
      best: the best score so far; None before the first epoch.
    """

    learning_rate: float
    steps: int
    best: float | None = None

    def after(self, score: float) -> "Linear":
        """The schedule after an epoch whose validation score was `score` (higher is better)."""
        return self if self.best is not None and score <= self.best else dataclasses.replace(self, best=float(score))

    @property
    def stopped(self) -> bool:
        """Always False: training runs to the last step."""
        return False

    def rate(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        return self.learning_rate * max(0.0, 1 - step / self.steps)


Schedule = Plateau | Linear
