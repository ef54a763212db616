"""What became of the requests, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. Times are seconds from when it was due; `late` is how much of that was the sender's own doing.

    `ended`: ok; failed, without the status 200; broken, after it.
    """

    due: float
    seconds: float
    first_byte_s: float
    late_s: float
    stream: bool
    status: int
    ended: str
    how: str


@dataclass
class Outcome:
    samples: list[Sample] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        self.samples.append(sample)

    def count(self, ended: str) -> int:
        return sum(sample.ended == ended for sample in self.samples)

    @property
    def whole(self) -> bool:
        return bool(self.samples) and all(sample.ended == "ok" for sample in self.samples)

    def summary(self) -> dict[str, object]:
        """The numbers. Quantiles are of what ended well."""
        well = [sample for sample in self.samples if sample.ended == "ok"]
        return {
            "requests": len(self.samples),
            "streams": sum(sample.stream for sample in self.samples),
            "failed": self.count("failed"),
            "broken": self.count("broken"),
            "how": dict(Counter(sample.how for sample in self.samples if sample.how)),
            "post_s": quantiles(sample.seconds for sample in well if not sample.stream),
            "stream_s": quantiles(sample.seconds for sample in well if sample.stream),
            "first_byte_s": quantiles(sample.first_byte_s for sample in well),
            "sent_late_s": quantiles(sample.late_s for sample in self.samples),
        }

    def as_json(self) -> dict[str, object]:
        return {**self.summary(), "samples": [asdict(sample) for sample in self.samples]}


def quantiles(values: Iterable[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest; nothing of nothing."""
    ordered = sorted(values)
    if not ordered:
        return {}
    at = {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for name, share in SHARES.items()}
    return {name: round(value, 4) for name, value in at.items()}


SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
