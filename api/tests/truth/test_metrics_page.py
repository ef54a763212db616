"""docs/metrics.md has every metric with its type, labels and sentence."""

import io
import re
import time
from collections.abc import Iterator
from typing import get_args

from penstock.settings.parts import Price
from penstock.telemetry.gauges import BudgetState, PoolState, States, TargetState
from penstock.telemetry.journal import Journal
from penstock.telemetry.lines import Lines
from penstock.telemetry.metrics import Metrics
from penstock.telemetry.record import Outcome, Record
from penstock.telemetry.tariff import Tariff
from penstock.upstream.verdicts import Outcome as Verdict
from prometheus_client.parser import text_string_to_metric_families
from tests.pages import named, page, rows, section

PAGE = page("docs/metrics.md")


def record() -> Record:
    """A request of which there is everything to tell."""
    now = time.monotonic()
    told = Record("chat", "req-1", now)
    told.model, told.target, told.target_kind, told.attempts, told.tariff = "m", "t", "cloud", 2, Tariff(Price())
    told.function, told.queued_s = "F", 0.1
    told.first_byte_at = told.first_token_at = now
    told.events, told.fallback, told.input_tokens, told.output_tokens = 3, "busy", 1, 2
    return told


def counted() -> Metrics:
    metrics = Metrics()
    journal = Journal(metrics, Lines(io.BytesIO()))
    ours = record()
    ours.target_kind = "replica"
    for each in (record(), ours):
        journal.close(each)
    metrics.attempts.of("t", "busy").inc()
    metrics.spans.of("dropped").inc()
    metrics.show(
        lambda: States([TargetState("t", 0, 0, True)], True, [BudgetState("day", 1, 1)], [PoolState("m", 1, 0)])
    )
    return metrics


def exposed() -> Iterator[tuple[str, str, frozenset[str], str]]:
    for family in text_string_to_metric_families(counted().exposition().decode()):
        if family.name.endswith("_created"):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = frozenset(label for sample in family.samples for label in sample.labels) - {"le"}
        yield name, family.type, labels, family.documentation


def test_every_metric_stands_there_with_its_type_labels_and_sentence() -> None:
    told = {
        (named(name), kind, frozenset(labels.split(", ")) - {""}, says)
        for name, kind, labels, says in (each for each in rows(PAGE) if len(each) == 4)
    }
    assert told == set(exposed())


def test_the_values_of_labels_are_those_of_the_code() -> None:
    told = {label: set(re.findall(r"`(\w+)`", values)) for label, values in rows(section(PAGE, "## Labels"))}
    assert told["outcome"] == set(get_args(Outcome))
    assert told["verdict"] == set(get_args(Verdict)) - {"cut"}  # a cut is no attempt's end
    assert {label for _, _, labels, _ in exposed() for label in labels} <= {*told, "model", "target"}
