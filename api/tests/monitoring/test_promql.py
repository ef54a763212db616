"""Queries are taken apart as PromQL has them."""

import pytest

from tests.monitoring.promql import operands, selectors, told


@pytest.mark.parametrize(
    ("expr", "read"),
    [
        ("up", {"up"}),
        ('rate(a_total{b="c(d)"}[5m]) / on (x) group_left (y) e:f:g', {'a_total{b="c(d)"}', "e:f:g"}),
        ('label_replace(max_over_time(a[1m]) == 2, "model", "$1", "name", "(.*)")', {"a"}),
        ("histogram_quantile(0.9, sum by (le, m) (rate(b_bucket[10s]))) or vector(0)", {"b_bucket"}),
        ("1 - a{} and b offset 5m unless c", {"a{}", "b", "c"}),
    ],
)
def test_selectors_are_names_with_their_matchers(expr: str, read: set[str]) -> None:
    assert selectors(expr) == read


def test_comparisons_are_answered_and_matchers_are_not() -> None:
    assert told('a{b!="c>d"} >= 3 and e == 0') == 'a{b!="c>d"} >= bool 3 and e == bool 0'


@pytest.mark.parametrize(
    ("expr", "parts"),
    [
        ("a > 1", ["a > 1"]),
        ("a and on (x) b unless c", ["a", "b", "c"]),
        ("(a and b) or (c > (d or e))", ["a", "b", "c > (d or e)"]),
        ("(a or b) / c", ["(a or b) / c"]),
        ("sum(a or b)", ["sum(a or b)"]),
    ],
)
def test_operands_are_those_of_the_outermost_sets(expr: str, parts: list[str]) -> None:
    assert list(operands(expr)) == parts
