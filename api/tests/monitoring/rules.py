"""The project's rules, as their files have them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.monitoring.watchers import MONITORING, RULES

FILES = sorted(RULES.glob("*.yml"))
ROUTES: dict[str, Any] = yaml.safe_load((MONITORING / "alertmanager/alertmanager.yml").read_text())
"""Alertmanager's configuration."""
_NO_METRIC = re.compile(
    r"""'[^']*'|"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)"""
)
_NAME = re.compile(r"(?<![\w.:])[a-zA-Z_:][\w:]*(?!\w*\s*\()(?![\w:])")
_WORDS = {"and", "or", "unless", "by", "on", "offset", "bool"}


class Rule(NamedTuple):
    """One rule. A recording has no severity."""

    file: Path
    name: str
    expr: str
    severity: str
    wait: str
    annotations: dict[str, str]
    labels: dict[str, str]


def _read() -> Iterator[Rule]:
    for file in FILES:
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                labels: dict[str, Any] = rule.get("labels", {})
                name, severity = rule.get("alert") or rule["record"], labels.get("severity", "")
                annotations = {key: " ".join(value.split()) for key, value in rule.get("annotations", {}).items()}
                yield Rule(file, name, rule["expr"], severity, rule.get("for", "0s"), annotations, labels)


EVERY = list(_read())
ALERTS = [rule for rule in EVERY if rule.severity]
RECORDINGS = [rule for rule in EVERY if not rule.severity]


def metrics(expr: str) -> set[str]:
    """The names of the series that an expression reads."""
    return set(_NAME.findall(_NO_METRIC.sub(" ", expr))) - _WORDS
