"""`scripts/bench`: measure Penstock beside its peers, and write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Container
from pathlib import Path

from benchmark import install
from benchmark.backends import Bench
from benchmark.conditions import Conditions
from benchmark.process import Cores
from benchmark.programs import PENSTOCK, PROGRAMS, Running
from benchmark.report import Report
from benchmark.run import Run
from benchmark.workloads import WORKLOADS

ROOT = Path(__file__).parents[2]
TOOLS = ("nginx", "wrk", "taskset")


def main() -> int:
    options = _options()
    peers = Path(os.environ.get("PENSTOCK_BENCH_PEERS") or ROOT / ".cache/bench/peers").resolve()
    if options.install:
        return install.install(peers)
    os.environ["PATH"] += ":/usr/sbin:/usr/local/sbin"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        print(f"scripts/bench: there is no {', '.join(missing)}: run scripts/install-servers", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {options.cores.load})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else what it started would outlive it
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        bench = Bench(ROOT, Path(folder), peers, options.cores)
        _run(bench, options)
    return 0


def _run(bench: Bench, options: argparse.Namespace) -> None:
    def conditions(direct: Running) -> Conditions:
        return Conditions(
            seconds=options.seconds,
            warm_s=1 if options.quick else 2,
            memory_requests=20_000 if options.quick else 200_000,
            memory_limit_s=5 if options.quick else 60,
            folder=bench.folder,
            direct=direct,
        )

    run = Run(bench, options.rounds, conditions, lambda line: print(line, file=sys.stderr, flush=True))
    workloads = [each for name, each in WORKLOADS.items() if not options.only or name in options.only]
    programs = [
        each for name, each in PROGRAMS.items() if name == PENSTOCK or not options.peers or name in options.peers
    ]
    report = Report(run(workloads, programs), bench, rounds=options.rounds, seconds=options.seconds)
    print(report.text())
    whole = not (options.quick or options.only or options.peers)
    target = ROOT / ("docs" if whole else ".cache/bench")
    target.mkdir(parents=True, exist_ok=True)
    report.write(target)
    print(f"written: {target}/benchmarks.md, benchmarks.svg" + ("" if whole else " (not docs/: this was a part)"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench", description=__doc__)
    parser.add_argument("--install", action="store_true", help="install the peers, each into its own environment")
    parser.add_argument("--quick", action="store_true", help="one short round of everything")
    parser.add_argument("--only", type=_names(WORKLOADS), help=f"workloads: {', '.join(WORKLOADS)}")
    parser.add_argument("--peers", type=_names(PROGRAMS), help=f"programs: {', '.join(PROGRAMS)}")
    parser.add_argument("--rounds", type=int, help="rounds, every program in each (3)")
    parser.add_argument("--seconds", type=float, help="how long each measurement lasts (6)")
    parser.add_argument(
        "--cores",
        type=_cores,
        default="0,1,2" if (os.cpu_count() or 0) > 2 else "0,1,1",
        metavar="P,L,B",
        help="the cores of program, load and back end (0,1,2; where there are but two, load and back end share one)",
    )
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (2.0 if options.quick else 6.0)
    return options


def _cores(text: str) -> Cores:
    try:
        return Cores(*map(int, text.split(",")))
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r} is not three numbers of cores, such as 0,1,2") from None


def _names(known: Container[str]) -> Callable[[str], list[str]]:
    def parsed(text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"there is no {', '.join(unknown)}")
        return names

    return parsed


if __name__ == "__main__":
    sys.exit(main())
