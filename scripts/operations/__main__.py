"""`python -m operations VERB ...`: what the scripts of the same names call."""

from __future__ import annotations

import argparse
import sys
from types import ModuleType
from typing import NoReturn

from operations import remote
from operations.errors import DONE, WRONG_USE, OperationError
from operations.interrupts import Interrupts
from operations.telling import tell
from operations.verbs import canary_monitor, deploy, health_check, load_test, readiness, rollback, status

VERBS: dict[str, ModuleType] = {
    "deploy": deploy,
    "rollback": rollback,
    "status": status,
    "health_check": health_check,
    "canary_monitor": canary_monitor,
    "load_test": load_test,
    "readiness": readiness,
}
THERE = ("deploy", "rollback", "status", "health_check", "canary_monitor", "readiness")
"""What can be run on another host."""


class Parser(argparse.ArgumentParser):
    """Wrong words end with a code of their own: 2 says something else here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(WRONG_USE, f"{self.prog}: {message}\n")


def main(argv: list[str]) -> int:
    name, words = argv[0], argv[1:]
    interrupts = Interrupts()
    try:
        host, folder, left = remote.without_host(words) if name in THERE else ("", "", words)
        if host:
            remote.go(remote.command(host, folder, name, left))
        options = _parser(name).parse_args(words)
        with interrupts.noted():
            VERBS[name].run(options, interrupts)
    except OperationError as error:
        tell(f"scripts/{name}: {error}")
        return error.code
    return DONE


def _parser(name: str) -> argparse.ArgumentParser:
    verb = VERBS[name]
    parser = Parser(f"scripts/{name}", description=verb.__doc__, epilog="Exit codes and more: docs/deploying.md")
    parser.add_argument("--dry-run", action="store_true", help="show the steps and the exact commands; change nothing")
    if name in THERE:
        parser.add_argument("--host", metavar="USER@HOST", help="run it there, over ssh, in --dir")
    verb.add_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
