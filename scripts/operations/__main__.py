"""`python -m operations VERB ...`: what the scripts of the same names call."""

from __future__ import annotations

import argparse
import importlib
import sys
from types import ModuleType
from typing import NoReturn

from operations import remote
from operations.errors import DONE, WRONG_USE, OperationError
from operations.interrupts import Interrupts
from operations.telling import tell

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
        verb = importlib.import_module(f"operations.verbs.{name}")  # it alone: rollback has to be quick
        options = _parser(name, verb).parse_args(words)
        with interrupts.noted():
            verb.run(options, interrupts)
    except OperationError as error:
        tell(f"scripts/{name}: {error}")
        return error.code
    return DONE


def _parser(name: str, verb: ModuleType) -> argparse.ArgumentParser:
    parser = Parser(f"scripts/{name}", description=verb.__doc__, epilog="Exit codes and more: docs/deploying.md")
    parser.add_argument("--dry-run", action="store_true", help="show the steps and the exact commands; change nothing")
    if name in THERE:
        parser.add_argument("--host", metavar="USER@HOST", help="run it there, over ssh, in --dir")
    verb.add_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
