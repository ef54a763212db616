"""The file of settings, read in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from penstock.settings.environment import SettingsError

LARGEST = 2**20
"""Bytes. A reload reads the file while requests wait, and one of this size takes a second or two."""
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's is ten times as fast, where PyYAML was built with it."""


def read(path: Path) -> dict[str, Any]:
    """What the file holds, by name. Raises SettingsError, whose message quotes nothing of it: it may hold secrets."""
    found = _parsed(path, _text(path))
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise SettingsError(f"{path} must hold names and values, such as `models:`")
    return found


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from None
    if len(raw) > LARGEST:
        raise SettingsError(f"{path} is larger than {LARGEST} bytes")
    return text


def _parsed(path: Path, text: str) -> object:
    try:
        return yaml.load(text, Loader)  # noqa: S506  # both loaders are safe ones
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f": look at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SettingsError(f"{path} is not YAML{at}") from None
    except RecursionError:
        raise SettingsError(f"{path} is nested too deep") from None
    except Exception:  # noqa: BLE001  # whatever Python says of a value that is not of its tag: 2020-99-99, !!int "abc"
        raise SettingsError(f"{path} holds a value that is not what it looks like: put quotes around it") from None
