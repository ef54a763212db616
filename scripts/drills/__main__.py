"""`python -m drills`: what scripts/drill calls."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from drills import page, table
from drills.drill import Drill, Times
from drills.errors import DrillFailed, Refused
from drills.place import Place, drill_place, staging_place
from drills.stack import Stack
from drills.traffic import traffic

REFUSED = 64


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    for ending in (signal.SIGINT, signal.SIGTERM):  # a shell that starts us in the background has us ignore SIGINT
        signal.signal(ending, _interrupt)
    stack = Stack(os.environ, Path(os.environ.get("PENSTOCK_DRILL") or page.ROOT / ".cache/drill"))
    try:
        if options.list:
            print("\n".join(page.names()))
        if options.up:
            stack.up()
        wanted = page.names() if options.all else _known(options.names)
        code = _drill_all(wanted, options, stack) if wanted else 0
        if options.down:
            stack.down()
    except (Refused, DrillFailed) as error:
        print(f"scripts/drill: {error}", file=sys.stderr)
        return REFUSED if isinstance(error, Refused) else 1
    except KeyboardInterrupt:
        print("scripts/drill: interrupted; what was broken is mended", file=sys.stderr)
        return 130
    return code


def _drill_all(wanted: list[str], options: argparse.Namespace, stack: Stack) -> int:
    place = (
        staging_place(options.target, options.receiver, os.environ, sure=options.yes_this_is_staging)
        if options.target
        else drill_place(stack)
    )
    done, failed = [], []
    with traffic(place.env):
        for name in wanted:
            print(f"{name}", file=sys.stderr, flush=True)
            began = time.monotonic()
            try:
                times = _drill(name, place, options.patience)
            except DrillFailed as error:
                failed.append(name)
                print(f"{name}: FAILED after {time.monotonic() - began:.0f} s: {error}", flush=True)
                place.put_back()
            else:
                done.append(times)
                print(f"{table.line(times)}; all of it {time.monotonic() - began:.0f} s", flush=True)
    if options.write:
        table.write(page.RUNBOOK / "README.md", done)
    if len(wanted) > 1:
        print(f"{len(done)} of {len(wanted)} drills passed" + (f"; not: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def _drill(name: str, place: Place, patience_s: float) -> Times:
    drill = Drill(
        page.read(name), place.env, place.prometheus, place.receiver, place.kept, patience_s, shows=sys.stderr
    )
    return drill.run()


def _known(names: list[str]) -> list[str]:
    unknown = sorted(set(names) - set(page.names()))
    if unknown:
        raise Refused(f"docs/runbook has no page {', '.join(unknown)}; --list shows those that it has")
    return names


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "scripts/drill", description="Do what a page of the runbook is about.", epilog="More: docs/runbook/README.md"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="of pages of docs/runbook")
    parser.add_argument("--all", action="store_true", help="every page, one after the other")
    parser.add_argument("--list", action="store_true", help="show their names")
    parser.add_argument("--up", action="store_true", help="first build the drill's stack and bring it up")
    parser.add_argument("--down", action="store_true", help="at the end remove it, and all that it kept")
    parser.add_argument("--patience", type=float, default=30, metavar="S", help="beyond what is stated (30)")
    parser.add_argument("--write", action="store_true", help="put the times into the table of docs/runbook/README.md")
    group = parser.add_argument_group("staging", "The pages' commands are run here, with the environment as it is.")
    group.add_argument("--target", metavar="URL", help="its Prometheus")
    group.add_argument("--receiver", metavar="URL", help="its scripts/drills/receiver.py, if it has one")
    group.add_argument("--yes-this-is-staging", action="store_true", help="break it")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
