"""The file of settings, read in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from penstock.settings.environment import SettingsError


def read(path: Path) -> dict[str, Any]:
    """What the file holds, by name. Raises SettingsError, whose message quotes nothing of it: it may hold secrets."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f": look at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SettingsError(f"{path} is not YAML{at}") from None
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise SettingsError(f"{path} must hold names and values, such as `models:`")
    return found
