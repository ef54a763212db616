"""A doorkeeper who knows keys written as settings write them."""

from penstock.callers.keyring import Keyring
from penstock.surfaces.auth import Doorkeeper, callers_of
from pydantic import SecretStr


def door(api_keys: tuple[str, ...] = (), operator_keys: tuple[str, ...] = ()) -> Doorkeeper:
    callers, operators = (Keyring(callers_of(map(SecretStr, keys))) for keys in (api_keys, operator_keys))
    return Doorkeeper(callers, operators, keyed=bool(api_keys or operator_keys))
