"""The verdict on a claim (holds, fails, undecided), by the rules of docs/STUDY.md."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

Verdict = Literal["holds", "fails", "undecided", "not measured"]

SEEN = 2.8
"""The size, in standard errors, of an effect that a two-sided test at 5 % detects with power 0.8: 1.96 + 0.84."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One comparison of a claim; the claim says that the difference is above `bound`.

    Attributes:
      about: what is compared.
      captioner: the measured captioner.
      difference, low, high: the difference and the ends of its 95 % interval.
      count: number of measured items (words, mentions, captions).
      bound: 0, or minus a margin.
      within: instead of a bound: the claim says that the difference lies between -within and within.
    """

    about: str
    captioner: str
    difference: float
    low: float
    high: float
    count: int
    bound: float = 0.0
    within: float | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict by the interval; an interval of width 0, as from resampling a single word, is undecided."""
        if any(math.isnan(x) for x in (self.difference, self.low, self.high)) or self.low == self.high:
            return "undecided"
        lower, upper = (self.bound, math.inf) if self.within is None else (-self.within, self.within)
        if lower < self.low and self.high < upper:
            return "holds"
        return "fails" if self.high < lower or self.low > upper else "undecided"

    @property
    def smallest(self) -> float:
        """The smallest effect beyond the bound that could have been detected."""
        return SEEN * (self.high - self.low) / (2 * 1.96)


def together(findings: Sequence[Finding]) -> Verdict:
    """The verdict on several comparisons: holds if all hold, fails if one fails."""
    verdicts = {finding.verdict for finding in findings}
    if not verdicts:
        return "not measured"
    if "fails" in verdicts:
        return "fails"
    return "holds" if verdicts == {"holds"} else "undecided"


def of_independent(
    about: str, captioner: str, first: tuple[float, float, float, int], second: tuple[float, float, float, int]
) -> Finding:
    """The comparison of means of two independent groups of models, each (value, low, high, count).

    The variances of the two are added.
    """
    error = math.hypot(first[2] - first[1], second[2] - second[1]) / 2
    difference = first[0] - second[0]
    return Finding(
        about=about,
        captioner=captioner,
        difference=difference,
        low=difference - error,
        high=difference + error,
        count=min(first[3], second[3]),
    )
