"""Who may see the status page, and who may see what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from penstock.errors import NotFound, StatusPageClosed
from penstock.settings.hosts import is_loopback
from penstock.settings.parts import StatusPage
from penstock.surfaces.auth import ADMIN, Doorkeeper

FORWARDED = (b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip")
"""Headers of a proxy: whoever asked it may be anywhere."""


@dataclass(frozen=True, slots=True)
class Sight:
    who: StatusPage
    doorkeeper: Doorkeeper

    def check_page(self, client: str, headers: Mapping[bytes, bytes]) -> None:
        """The page itself shows nothing. Raises NotFound or StatusPageClosed."""
        if self.who == "off":
            raise NotFound("There is no status page here.")
        if self.who == "loopback" and not is_from_here(client, headers):
            raise StatusPageClosed("Only this machine sees its status page: the setting `status_page` says so.")

    def check_state(self, client: str, headers: Mapping[bytes, bytes]) -> None:
        """What it shows. Raises the same, and Unauthorized or Forbidden without an operator's key if it takes one."""
        self.check_page(client, headers)
        if self.who == "operators":
            self.doorkeeper.caller(ADMIN, headers)


def is_from_here(client: str, headers: Mapping[bytes, bytes]) -> bool:
    """Asked on this machine, by no proxy. And by a name that is this machine's: a page from elsewhere can have its own
    name lead here, and then read what is answered."""
    host = urlsplit(f"//{headers.get(b'host', b'').decode('latin-1')}").hostname or ""
    return is_loopback(client) and is_loopback(host) and not any(name in headers for name in FORWARDED)
