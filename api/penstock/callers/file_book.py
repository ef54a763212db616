"""Callers in a YAML file, which people may also edit by hand."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from penstock.callers.book import BookUnreadable, Edit
from penstock.callers.caller import Caller
from penstock.callers.edits import Callers, checked, said_of
from penstock.settings import SettingsError
from penstock.settings.file import read

HEAD = "# Who may ask. `penstock keys` writes this and keeps no comments; gateways read a change within two seconds.\n"


class FileBook:
    """`path` need not be there yet: nobody may ask then. A change replaces the file as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def version(self) -> object:
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BookUnreadable(f"{self._path} cannot be read: {error.strerror}") from None
        return now.st_mtime_ns, now.st_size, now.st_ino

    async def read(self) -> Callers:
        if not self._path.exists():
            return ()
        try:
            held = read(self._path)
        except SettingsError as error:
            raise BookUnreadable(str(error)) from None
        rows = held.pop("callers", []) or []
        if held or not isinstance(rows, list):
            raise BookUnreadable(f"{self._path} must hold `callers:` and a list, and nothing else")
        return self._checked([self._caller(number, row) for number, row in enumerate(rows, 1)])

    async def aclose(self) -> None:
        pass

    async def write(self, edit: Edit) -> Callers:
        with self._alone():
            callers = edit(await self.read())
            self._replace(HEAD + yaml.safe_dump({"callers": [_row(each) for each in callers]}, sort_keys=False))
        return callers

    def _caller(self, number: int, row: Any) -> Caller:
        try:
            return Caller.model_validate(row)
        except ValidationError as error:
            raise BookUnreadable(f"{self._path}: caller {number}: {said_of(error)}") from None

    def _checked(self, callers: list[Caller]) -> Callers:
        try:
            return checked(callers)
        except ValueError as error:
            raise BookUnreadable(f"{self._path}: {error}") from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold a lock beside the file, so that two who edit it at once do not undo each other."""
        try:
            lock = os.open(f"{self._path}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise BookUnreadable(f"{self._path} cannot be changed: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _replace(self, text: str) -> None:
        try:
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
            with os.fdopen(handle, "w", encoding="utf-8") as file:  # mkstemp's mode is 0600
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)
        except OSError as error:
            raise BookUnreadable(f"{self._path} cannot be changed: {error.strerror}") from None


def _row(caller: Caller) -> dict[str, Any]:
    """What is not the default, as YAML can say it."""
    return caller.model_dump(mode="json", exclude_defaults=True)
