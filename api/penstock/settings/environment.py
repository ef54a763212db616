"""The environment, read in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

PREFIX = "PENSTOCK_"


class SettingsError(Exception):
    """The settings cannot be used. The message says which and what to do."""


def environment() -> Mapping[str, str]:
    """The environment, with each `NAME_FILE` read into `NAME`, the way that secrets are mounted."""
    found = dict(os.environ)
    for name, path in os.environ.items():
        target = name.removesuffix("_FILE")
        if target == name or not (target.startswith(PREFIX) or target.endswith("_KEY")):
            continue
        try:
            found.setdefault(target, Path(path).read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name} names {path}, which cannot be read: {error}") from None
    return found


def process_environment() -> MutableMapping[str, str]:
    """The process's own environment, for libraries that read it themselves."""
    return os.environ
