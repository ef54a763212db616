"""A gateway's /metrics, read as a monitor reads them."""

import httpx
from prometheus_client.parser import text_string_to_metric_families


class Reading:
    """The metrics at one moment. Names are without `penstock_`."""

    def __init__(self, url: str) -> None:
        text = httpx.get(f"{url}/metrics", timeout=10).raise_for_status().text
        self._samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def sum(self, name: str, **labels: str) -> float:
        """Of all samples with these labels."""
        return sum(self.by(name, "", **labels).values())

    def by(self, name: str, label: str, **labels: str) -> dict[str, float]:
        """The sums for each value of a label."""
        sums: dict[str, float] = {}
        for sample in self._samples:
            if sample.name == f"penstock_{name}" and labels.items() <= sample.labels.items():
                value = sample.labels.get(label, "")
                sums[value] = sums.get(value, 0.0) + sample.value
        return sums

    def quantile(self, name: str, share: float) -> float:
        """From a histogram's buckets, linear within one, as Prometheus does."""
        buckets = sorted((float(bound), count) for bound, count in self.by(f"{name}_bucket", "le").items())
        wanted = share * buckets[-1][1]
        low, below = 0.0, 0.0
        for bound, count in buckets:
            if count >= wanted > below:
                return low + (min(bound, 1e6) - low) * (wanted - below) / (count - below)
            low, below = bound, count
        return low
