"""What is kept of the values of units: how many, their mean, and how far they lie from it."""

from dataclasses import dataclass


@dataclass(slots=True)
class Moments:
    """Added to one by one (Welford), so that large numbers that differ little keep their digits."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0  # the sum of squared distances from the mean

    def add(self, value: float) -> None:
        self.count += 1
        step = value - self.mean
        self.mean += step / self.count
        self.squares += step * (value - self.mean)

    @property
    def variance(self) -> float:
        """Of one unit, estimated; 0 where fewer than two are known."""
        return self.squares / (self.count - 1) if self.count > 1 else 0.0

    @property
    def variance_of_share(self) -> float:
        """The same for values between 0 and 1, as if one more of each end had been seen.

        Where nothing has failed yet, it is not certain that nothing ever will.
        """
        widened = Moments(self.count, self.mean, self.squares)
        widened.add(0.0)
        widened.add(1.0)
        return widened.variance
