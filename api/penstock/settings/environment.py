"""The environment, read in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

PREFIX = "PENSTOCK_"
FILE = "_FILE"


class SettingsError(Exception):
    """The settings cannot be used. The message says which and what to do."""


def environment() -> Mapping[str, str]:
    """The environment, with each `PENSTOCK_NAME_FILE` read into its name, the way that secrets are mounted."""
    found = dict(os.environ)
    for name in os.environ:
        plain = name.removesuffix(FILE)
        if plain != name and plain.startswith(PREFIX):
            found.setdefault(plain, variable(plain))
    return found


def variable(name: str) -> str:
    """What the variable holds, or the file that `NAME_FILE` names; empty if there is neither. Raises SettingsError."""
    value, path = os.environ.get(name, ""), os.environ.get(name + FILE)
    if value or not path:
        return value
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}{FILE} names {path}, which cannot be read: {error}") from None


def process_environment() -> MutableMapping[str, str]:
    """The process's own environment, for libraries that read it themselves."""
    return os.environ
