"""Which book a setting asks for."""

from pathlib import Path

from penstock.callers.book import Book, Edit
from penstock.callers.edits import Callers
from penstock.callers.file_book import FileBook
from penstock.callers.redis_book import RedisBook
from penstock.errors import NoCallers
from penstock.settings import Settings
from penstock.state.from_url import table_from_url


class NoBook:
    """Where the settings give callers no place."""

    async def version(self) -> object:
        return None

    async def read(self) -> Callers:
        return ()

    async def write(self, edit: Edit) -> Callers:
        raise NoCallers("The setting `callers` names no place for them, so there is nothing to change.")

    async def aclose(self) -> None:
        pass


def book_of(settings: Settings) -> Book:
    """Raises SettingsError."""
    if not settings.callers:
        return NoBook()
    if settings.callers == "redis":
        return RedisBook(table_from_url(settings.redis_url.get_secret_value(), "callers"))
    return FileBook(Path(settings.callers))
