"""One text that instances share and change as a whole."""

from typing import Protocol


class Table(Protocol):
    """A text with a version that grows, 0 until it is first written. Every verb may raise StoreUnavailableError."""

    async def version(self) -> int: ...

    async def read(self) -> tuple[int, str]:
        """The version and the text, as they belong together."""

    async def replace(self, text: str, version: int) -> bool:
        """Put a text in the place of that version; false, and nothing done, if it is another by now."""

    async def aclose(self) -> None: ...
