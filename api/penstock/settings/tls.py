"""TLS to one target: whom we believe, and as whom we come."""

from __future__ import annotations

import ssl
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from penstock.settings.environment import SettingsError


class TlsFiles(NamedTuple):
    """Paths, each empty where there is none."""

    ca: str = ""
    certificate: str = ""
    key: str = ""

    def context(self) -> ssl.SSLContext:
        """Certificates are always verified, and the name in them. Raises OSError for files that cannot be used."""
        context = ssl.create_default_context(cafile=self.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        return context


NO_FILES = TlsFiles()


class Tls(BaseModel):
    """Read again when a file changes, for new connections."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ca: str = Field("", description="The file of the authorities that may vouch for the target; the system's if none.")
    certificate: str = Field("", description="The file of our own certificate, for a target that asks for one.")
    key: str = Field("", description="The file of that certificate's private key, without a password.")

    @model_validator(mode="after")
    def _are_a_pair(self) -> Self:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("`certificate` and `key` belong together")
        return self

    @property
    def files(self) -> TlsFiles:
        return TlsFiles(self.ca, self.certificate, self.key)

    def checked(self, target: str, url: str) -> TlsFiles:
        """The files, if they can be used now. Raises SettingsError."""
        files = self.files
        if files != NO_FILES:
            if not url.startswith("https://"):
                raise SettingsError(f"{target} has `tls`, and its URL does not begin with https://")
            try:
                files.context()
            except OSError as error:
                raise SettingsError(f"the `tls` files of {target} cannot be used: {error}") from None
        return files


def _no_password() -> str:
    """Else OpenSSL would ask the terminal for one, and wait."""
    raise ssl.SSLError("the key is encrypted")
