"""Go through the production checklist on a running deployment: pass, fail or not applicable, each with its evidence."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from operations.begin import add_limits, site_for
from operations.change import repair
from operations.errors import CannotAsk, StepFailed
from operations.interrupts import Interrupts
from operations.numbers import share, within
from operations.platforms import chosen
from operations.prometheus import at
from operations.readiness import checks, fallback, report
from operations.readiness.finding import Seen
from operations.readiness.ground import Ground, Wanted
from operations.readiness.outside import Outside
from operations.readiness.secrets import first_key, read
from operations.site import Site
from operations.telling import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    wanted = Wanted()
    parser.add_argument("--url", default=_url("https", "PENSTOCK_HTTPS_PORT"), help="as clients see it (this host's)")
    parser.add_argument("--plain-url", default=_url("http", "PENSTOCK_HTTP_PORT"), help="the same without TLS")
    parser.add_argument("--insecure", action="store_true", help="take any certificate: staging's own, say")
    parser.add_argument(
        "--disruptive", action="store_true", help="stop an instance, use up a rate, switch the pool off"
    )
    parser.add_argument("--only", action="append", default=[], metavar="CHECK", help="this one, again for another")
    parser.add_argument("--json", action="store_true", help="for programs, in the place of Markdown")
    parser.add_argument("--prometheus", metavar="URL", default=os.environ.get("PENSTOCK_PROMETHEUS"), help="(own)")
    group = parser.add_argument_group("what is asked for")
    group.add_argument("--model", default="", help="(the first that is served)")
    group.add_argument("--coverage", type=Path, metavar="FILE", help="coverage.xml of the tests")
    group.add_argument("--min-coverage", type=share, default=wanted.min_coverage, metavar="PERCENT", help="(80)")
    group.add_argument("--rehearsed-days", type=within(0, 3650), default=wanted.rehearsed_days, help="a rollback (30)")
    group.add_argument("--certificate-days", type=within(0, 3650), default=wanted.certificate_days, help="left (14)")
    group.add_argument("--load-rate", type=within(0.1, 1000), default=wanted.load_rate, help="a second (7)")
    group.add_argument("--load-seconds", type=within(1, 3600), default=wanted.load_s, metavar="S", help="(30)")
    add_limits(parser)
    chosen.add_arguments(parser)


def run(options: argparse.Namespace, interrupts: Interrupts) -> None:
    """Raises StepFailed with what fails; Interrupted, after telling what was found until then."""
    names = checks.chosen(options.only)
    if options.dry_run:
        print("\n".join(names))
        return
    site = site_for(options, interrupts)
    ground = ground_for(options, interrupts, site)
    found: dict[str, Seen] = {}
    try:
        with _alone(site, ground):
            for name, seen in checks.looked(ground, names):
                tell(report.line(name, seen))
                found[name] = seen
    finally:
        if found:
            told = (options.url, site.platform.name, found)
            print(json.dumps(report.as_json(*told), indent=1) if options.json else report.markdown(*told))
    tell(report.counted(found))
    if failed := [name for name, seen in found.items() if seen.verdict == "fail"]:
        raise StepFailed(f"fails: {', '.join(failed)}")


def ground_for(options: argparse.Namespace, interrupts: Interrupts, site: Site) -> Ground:
    """Keys come from the environment; else from the secrets, where they can be read."""
    key, operator = (
        os.environ.get(variable) or _lying(site, name)
        for variable, name in (("PENSTOCK_KEY", "api_keys"), ("PENSTOCK_OPERATOR_KEY", "operator_keys"))
    )
    wanted = Wanted(
        options.disruptive,
        options.coverage,
        options.min_coverage,
        options.rehearsed_days,
        options.certificate_days,
        options.load_rate,
        options.load_seconds,
        options.model,
    )
    outside = Outside(options.url, options.plain_url, key, options.insecure)
    get = at(options.prometheus) if options.prometheus else site.platform.ask_prometheus
    return Ground(site, outside, get, options.dir.resolve(), wanted, operator)


@contextmanager
def _alone(site: Site, ground: Ground) -> Iterator[None]:
    """What disturbs has the lock, as a deploy has; it puts back first what a run that was killed left."""
    if not ground.wanted.disruptive and not fallback.is_left(ground):
        yield
        return
    with site.alone("readiness"):
        repair(site)
        fallback.repair(ground)
        yield


def _lying(site: Site, name: str) -> str:
    inside = site.platform.inside()
    try:
        return first_key(read(inside.secrets).get(name, "")) if inside else ""
    except CannotAsk:
        return ""


def _url(scheme: str, variable: str) -> str:
    port = os.environ.get(variable)
    return f"{scheme}://localhost:{port}" if port else f"{scheme}://localhost"
