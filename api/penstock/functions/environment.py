"""What BAML must find in the environment before it is imported, and what it must not."""

from __future__ import annotations

from collections.abc import MutableMapping

from penstock.settings import SettingsError


class StartRefused(SettingsError):
    """The gateway must not start like this. The message says what to change."""


def prepare_environment(environ: MutableMapping[str, str]) -> None:
    """Keep BAML silent and at home. Call it with the process's environment before `catalog.load`.

    By default BAML prints prompts and replies; with RUST_BACKTRACE a parse error is a hundred times slower.
    Raises StartRefused when BOUNDARY_API_KEY is set, because BAML then uploads traces of every call.
    """
    if environ.get("BOUNDARY_API_KEY"):
        raise StartRefused("BOUNDARY_API_KEY is set, which sends prompts and replies to a third party: unset it.")
    environ["BAML_LOG"] = "off"
    environ["RUST_BACKTRACE"] = "0"
