"""Deploy a version without dropping a request."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from dataclasses import fields

from operations.begin import add_limits, site_for
from operations.blue_green import blue_green
from operations.canary import Canary, Stages
from operations.change import Wanted, change, repair, unchanged
from operations.compare import Demands
from operations.errors import CannotAsk, WrongUse
from operations.interrupts import Interrupts
from operations.platforms import chosen
from operations.prometheus import Prometheus, at
from operations.releases import Release
from operations.rolling import rolling
from operations.site import Site
from operations.words import Picture

WATCH_S = {"rolling": 20.0, "blue-green": 120.0}
VERSION = re.compile(r"[A-Za-z0-9_][\w.-]{0,127}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("strategy", choices=("rolling", "blue-green", "canary"))
    parser.add_argument("--version", required=True, help="the image's tag")
    parser.add_argument("--watch", type=float, metavar="S", help="after a unit (rolling, 20) or a switch (120)")
    add_canary(parser)
    add_limits(parser)
    chosen.add_arguments(parser)


def add_canary(parser: argparse.ArgumentParser) -> None:
    stages = Stages()
    group = parser.add_argument_group("canary")
    group.add_argument("--stages", type=_percents, default=stages.percents, help="percents (5,25,50,100)")
    group.add_argument("--hold", type=float, default=stages.hold_s, metavar="S", help="each stage (600)")
    group.add_argument("--max-hold", type=float, metavar="S", help="while there is too little data (3 x --hold)")
    group.add_argument("--judge-every", type=float, default=stages.judge_s, metavar="S", help="in a hold (15)")
    add_demands(group)


def add_demands(parser: argparse._ActionsContainer) -> None:
    demands = Demands()
    parser.add_argument(
        "--prometheus", metavar="URL", default=os.environ.get("PENSTOCK_PROMETHEUS"), help="(the platform's own)"
    )
    parser.add_argument("--min-requests", type=int, default=demands.min_requests, help="to say `good` from (100)")
    parser.add_argument("--rate-tolerance", type=float, default=demands.rate_tolerance, help="of rates (0.01)")
    parser.add_argument("--time-tolerance", type=float, default=demands.time_tolerance, help="of times (1.25)")
    parser.add_argument("--quantiles", type=_quantiles, default=demands.quantiles, help="of times (0.5,0.95,0.99)")


def demands_of(options: argparse.Namespace) -> Demands:
    told = {field.name: getattr(options, field.name) for field in fields(Demands) if hasattr(options, field.name)}
    return Demands(**told)


def run(options: argparse.Namespace, interrupts: Interrupts) -> None:
    """Raises an OperationError where it does not succeed."""
    if not VERSION.fullmatch(options.version):
        raise WrongUse(f"{options.version!r} is no image's tag")
    site = site_for(options, interrupts)
    wanted = Wanted(f"deploy {options.strategy}", options.version)
    work = _work(site, options)
    with site.alone(f"{wanted.what} {wanted.to}"):
        repair(site)
        if serves(site.platform.picture(), options.version):
            unchanged(site, wanted, f"{options.version} serves already: nothing to do")
            return
        site.platform.fetch(options.version)
        change(site, wanted, work)


def serves(picture: Picture, version: str) -> bool:
    """All requests go to units of this version, all of them well."""
    serving = picture.of(picture.serving)
    well = all(unit.version == version and unit.ready and not unit.drained for unit in serving)
    return picture.shares[picture.serving] == 100 and well


def _work(site: Site, options: argparse.Namespace) -> Callable[[Picture], Release]:
    watch_s = WATCH_S.get(options.strategy, 0.0) if options.watch is None else options.watch
    if options.strategy == "rolling":
        return lambda before: rolling(site, before, options.version, watch_s)
    if options.strategy == "blue-green":
        return lambda before: blue_green(site, before, options.version, watch_s)
    prometheus = Prometheus(at(options.prometheus) if options.prometheus else site.platform.ask_prometheus)
    if not options.dry_run:
        try:
            prometheus.ask()
        except CannotAsk as error:
            raise CannotAsk(f"{error}. A canary without it would be a guess: say --prometheus") from None
    max_hold_s = 3 * options.hold if options.max_hold is None else options.max_hold
    stages = Stages(options.stages, options.hold, max_hold_s, options.judge_every)
    canary = Canary(site, prometheus, stages, demands_of(options))
    return lambda before: canary(before, options.version)


def _percents(text: str) -> tuple[int, ...]:
    percents = tuple(int(each) for each in text.split(","))
    if list(percents) != sorted(set(percents)) or percents[0] < 1 or percents[-1] != 100:
        raise argparse.ArgumentTypeError("rising, and 100 is the last: 5,25,50,100")
    return percents


def _quantiles(text: str) -> tuple[float, ...]:
    quantiles = tuple(float(each) for each in text.split(","))
    if not all(0 < each < 1 for each in quantiles):
        raise argparse.ArgumentTypeError("between 0 and 1: 0.5,0.95,0.99")
    return quantiles
