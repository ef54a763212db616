"""The same verb on another host: everything it needs to know stands there."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from operations.audit import who
from operations.errors import WrongUse


def without_host(words: Sequence[str]) -> tuple[str, str, list[str]]:
    """The host, its folder, and the words without both; no host is empty. Raises WrongUse."""
    host, folder, left = "", "", list[str]()
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name not in ("--host", "--dir"):
            left.append(word)
            continue
        told = value if equals else next(rest, "")
        if not told:
            raise WrongUse(f"{name} needs a value")
        if name == "--host":
            host = told
        else:
            folder = told
    return (host, folder, left) if host else ("", "", list(words))


def command(host: str, folder: str, verb: str, words: Sequence[str]) -> list[str]:
    """With a terminal there, so that an interrupt reaches the verb, and a lost line ends it like one."""
    if not folder or host.startswith("-"):
        raise WrongUse("--host needs --dir: the folder on it that holds scripts/ and the compose file")
    there = shlex.join([f"scripts/{verb}", *words])
    line = f"cd {shlex.quote(folder)} && PENSTOCK_WHO={shlex.quote(who())} exec {there}"
    ssh = shlex.split(os.environ.get("PENSTOCK_SSH", "ssh"))
    return [*ssh, "-tt", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=5", host, line]


def go(ssh: Sequence[str]) -> None:
    """Becomes ssh; does not return. Raises WrongUse if there is none."""
    try:
        os.execvp(ssh[0], list(ssh))
    except OSError as error:
        raise WrongUse(f"ssh cannot be run: {error}") from None
