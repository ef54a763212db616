"""Reading the settings, and telling what is wrong with them."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from pydantic_settings.exceptions import SettingsError as NotJSON

from penstock.settings.environment import PREFIX, SettingsError, variable
from penstock.settings.file import read
from penstock.settings.parts import Cloud
from penstock.settings.settings import COMMAND_LINE, Settings


def load_settings(config: Path | None = None, **overrides: object) -> Settings:
    """Settings from the environment over the file; `overrides` (the command line) outrank both.

    Raises SettingsError with one line for each thing that is wrong.
    """
    named = variable(PREFIX + "CONFIG")
    path = config or (Path(named) if named else None)
    given = read(path) if path else {}
    try:
        settings = Settings(**given | {COMMAND_LINE: overrides})
    except ValidationError as error:
        raise SettingsError(_told(error, path)) from None
    except NotJSON as error:
        raise SettingsError(f"the environment cannot be used: {error}") from None
    return _with_openai(settings)


def _told(error: ValidationError, path: Path | None) -> str:
    """One line a mistake; never the value, which may be a secret."""
    lines = [
        f"{_place(each['loc']) or 'settings'}: {each['msg'].removeprefix('Value error, ')}"
        for each in error.errors(include_url=False, include_input=False)
    ]
    return f"{path or 'the environment'} cannot be used:\n  " + "\n  ".join(lines)


def _place(names: tuple[int | str, ...]) -> str:
    """The file's own names, on one line whatever they hold."""
    return "".join(each if each.isprintable() else "?" for each in ".".join(map(str, names)))


def _with_openai(settings: Settings) -> Settings:
    """Without `clouds`, a key for OpenAI in the environment is a cloud named openai."""
    if settings.clouds or not variable("OPENAI_API_KEY"):
        return settings
    return settings.model_copy(update={"clouds": {"openai": Cloud(base_url=settings.openai_base_url)}})
