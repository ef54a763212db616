"""Where a drill happens, and whether it may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from drills.errors import Refused
from drills.page import ROOT
from drills.stack import Stack
from drills.watchers import Prometheus, Receiver


@dataclass(frozen=True, slots=True)
class Place:
    """`put_back` is for what a failed drill leaves behind."""

    env: Mapping[str, str]
    prometheus: Prometheus
    receiver: Receiver | None
    kept: Path
    put_back: Callable[[], None]


def drill_place(stack: Stack) -> Place:
    """Raises DrillFailed if it is not up, Refused if what answers in its place is something else."""
    env = stack.with_keys()
    prometheus = Prometheus(stack.prometheus)
    if (called := prometheus.environment()) != "drill":
        raise Refused(f"what answers at {stack.prometheus} calls itself {called or 'nothing'}, not drill")
    return Place(env, prometheus, Receiver(stack.receiver), Path(env["PENSTOCK_DRILL"]) / "output", stack.put_back)


def staging_place(url: str, receiver: str | None, environ: Mapping[str, str], *, sure: bool) -> Place:
    """Raises Refused unless the deployment itself says that it is staging, and the person too."""
    prometheus = Prometheus(url)
    called = prometheus.environment()
    if called != "staging":
        said = f"calls itself {called}" if called else "does not say what it is"
        raise Refused(
            f"the deployment at {url} {said}. A drill breaks things, so it wants `environment: staging` among the "
            "external_labels of its Prometheus"
        )
    if not sure:
        raise Refused(f"this breaks the deployment at {url} and mends it again: say --yes-this-is-staging")
    wanting = [
        name for name in ("COMPOSE_FILE", "EDGE", "PENSTOCK_KEY", "PENSTOCK_OPERATOR_KEY") if not environ.get(name)
    ]
    if wanting:
        raise Refused(f"the pages' commands need {', '.join(wanting)}: see docs/runbook/README.md")
    told = Receiver(receiver) if receiver else None
    return Place(dict(environ), prometheus, told, ROOT / ".cache/drill/staging", lambda: None)
