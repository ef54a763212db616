"""What became of the requests, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
LATE_S = 0.05
"""Of a hundred requests one may leave so late, and not more, by the sender's own doing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. `due` is in seconds from the beginning of the run, the other times are from then on.

    So a request that had to wait for the server before it could be sent has waited all the same. `late_s` is the
    sender's own doing. `first_token_s` is 0 where none came. `ended`: ok; failed, without the status 200; broken, after
    it. `gave_up`: it was not waited for any longer, and would have taken longer than `seconds`.
    """

    due: float
    seconds: float
    first_token_s: float
    late_s: float
    stream: bool
    status: int
    ended: str
    how: str
    gave_up: bool = False
    tokens: int = 0
    target: str = ""

    @property
    def timed(self) -> bool:
        """A quick refusal is no quick answer; a wait that was given up was long."""
        return self.ended == "ok" or self.gave_up


@dataclass
class Outcome:
    """The run began at this time of the loop's and took `seconds`; `unfinished` were open when it was interrupted."""

    may_be_late_s: float = LATE_S
    samples: list[Sample] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    """How much too long the sender slept, each time that it looked."""
    began: float = 0.0
    seconds: float = 0.0
    unfinished: int = 0

    def add(self, sample: Sample) -> None:
        self.samples.append(sample)

    def count(self, ended: str) -> int:
        return sum(sample.ended == ended for sample in self.samples)

    @property
    def whole(self) -> bool:
        return bool(self.samples) and all(sample.ended == "ok" for sample in self.samples)

    @property
    def error_rate(self) -> float:
        return 1 - self.count("ok") / len(self.samples) if self.samples else 0.0

    @property
    def late_s(self) -> float:
        """How late the sender itself was: the p99 of what it sent, or of its own pulse, whichever is worse."""
        sent = quantiles(sample.late_s for sample in self.samples).get("p99", 0.0)
        return max(sent, quantiles(self.pauses).get("p99", 0.0))

    @property
    def valid(self) -> bool:
        """The times are the server's, and not those of a sender that could not keep up."""
        return self.late_s <= self.may_be_late_s

    def summary(self) -> dict[str, object]:
        """The numbers. Times are of what ended well or was waited for in vain."""
        timed = [sample for sample in self.samples if sample.timed]
        tokens = sum(sample.tokens for sample in self.samples)
        return {
            "valid": self.valid,
            "requests": len(self.samples),
            "streams": sum(sample.stream for sample in self.samples),
            "failed": self.count("failed"),
            "broken": self.count("broken"),
            "unfinished": self.unfinished,
            "error_rate": round(self.error_rate, 6),
            "how": dict(Counter(sample.how for sample in self.samples if sample.how)),
            "targets": dict(Counter(sample.target for sample in self.samples if sample.target)),
            "seconds": round(self.seconds, 1),
            "latency_s": quantiles(sample.seconds for sample in timed),
            "post_s": quantiles(sample.seconds for sample in timed if not sample.stream),
            "stream_s": quantiles(sample.seconds for sample in timed if sample.stream),
            "first_token_s": quantiles(each.first_token_s for each in timed if each.stream and each.first_token_s),
            "tokens": tokens,
            "tokens_per_second": round(tokens / self.seconds, 1) if self.seconds else 0.0,
            "in_flight": in_flight(self.samples),
            "sent_late_s": quantiles(sample.late_s for sample in self.samples),
            "own_pauses_s": quantiles(self.pauses),
        }

    def as_json(self) -> dict[str, object]:
        return {**self.summary(), "samples": [asdict(sample) for sample in self.samples]}


def quantiles(values: Iterable[float]) -> dict[str, float]:
    """Each of SHARES, as a value that there was; nothing of nothing."""
    ordered = sorted(values)
    if not ordered:
        return {}
    at = {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for name, share in SHARES.items()}
    return {name: round(value, 4) for name, value in at.items()}


def in_flight(samples: Iterable[Sample]) -> dict[str, float]:
    """How many were open at once: the most, and on average from the first to the last."""
    spans = [(sample.due + sample.late_s, sample.due + sample.seconds) for sample in samples]
    if not spans:
        return {}
    moves = sorted(move for start, end in spans for move in ((start, 1), (end, -1)))
    most = now = 0
    for _, step in moves:
        now += step
        most = max(most, now)
    lasted = max(end for _, end in spans) - min(start for start, _ in spans)
    return {"mean": round(sum(end - start for start, end in spans) / lasted, 1) if lasted else 0.0, "max": most}
