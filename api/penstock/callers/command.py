"""`penstock keys`: makes, shows, rotates and revokes the keys of callers."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from penstock.callers import edits
from penstock.callers.book import Book, BookUnreadable
from penstock.callers.caller import Allowances, Caller, Key
from penstock.callers.place import book_of
from penstock.errors import PenstockError
from penstock.settings import SettingsError, load_settings

ALLOWANCES = Allowances.model_fields
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
Done = Callable[[Book, argparse.Namespace], Awaitable[str]]


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 done, 1 refused, 2 told wrongly; the reason is on stderr."""
    options = parser().parse_args(arguments)
    try:
        print(asyncio.run(_do(options)))
    except (PenstockError, BookUnreadable, SettingsError) as error:
        print(f"penstock keys: {error}", file=sys.stderr)
        return 2 if isinstance(error, SettingsError) else 1
    return 0


async def _do(options: argparse.Namespace) -> str:
    told = {"callers": options.file} if options.file else {}
    settings = load_settings(options.config, **told)
    if not settings.callers:
        raise SettingsError("say where callers are kept: `penstock keys --file callers.yaml`, or PENSTOCK_CALLERS")
    done: Done = options.done
    book = book_of(settings)
    try:
        return await done(book, options)
    finally:
        await book.aclose()


def parser() -> argparse.ArgumentParser:
    """Its verbs, each with what it takes."""
    parser = argparse.ArgumentParser("penstock keys", description="Make, show, rotate and revoke the keys of callers.")
    parser.add_argument("--config", type=Path, help="a YAML file of settings; its `callers` says where they are kept")
    parser.add_argument("--file", help="the callers' YAML file, without settings")
    verbs = parser.add_subparsers(required=True, metavar="verb")

    making = _verb(verbs, "make", "add a caller, and show its first key", _make)
    making.add_argument("--ends-in", type=duration, help="how long the key opens, such as 90d; for ever if not given")
    _verb(verbs, "list", "show every caller and its keys", _list, named=False).add_argument(
        "--json", action="store_true", help="all that is kept, as JSON"
    )
    changing = _verb(verbs, "change", "give a caller other allowances; `none` takes one away", _change)
    for verb in (making, changing):
        for name, field in ALLOWANCES.items():
            verb.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE", help=field.description)
    rotating = _verb(verbs, "rotate", "make a caller a new key; its old ones go on for a while", _rotate)
    rotating.add_argument("--overlap", type=duration, default=timedelta(days=1), help="for how long (1d)")
    rotating.add_argument("--ends-in", type=duration, help="how long the new key opens; for ever if not given")
    revoking = _verb(verbs, "revoke", "close one key at once", _revoke, named=False)
    revoking.add_argument("key", help="its id, as `list` shows it")
    _verb(verbs, "remove", "close all keys of a caller at once, and forget it", _remove)
    return parser


def duration(text: str) -> timedelta:
    """`90d`, `12h`, `30m` or `45s`."""
    told = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if told is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write 90d, 12h, 30m or 45s")
    return timedelta(seconds=int(told[1]) * UNITS[told[2]])


def _verb(
    verbs: Any, name: str, says: str, done: Done, *, named: bool = True
) -> argparse.ArgumentParser:  # argparse does not tell the type of its subparsers
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.")
    if named:
        parser.add_argument("name", help="the caller")
    parser.set_defaults(done=done)
    return parser


async def _make(book: Book, options: argparse.Namespace) -> str:
    now = datetime.now(UTC)
    plain, key = Key.make(now, _end(now, options.ends_in))
    try:
        caller = Caller(name=options.name, keys=(key,), **_allowances(options))
    except ValidationError as error:
        raise BookUnreadable(edits.said_of(error)) from None
    await book.write(lambda callers: edits.added(callers, caller))
    return _shown(plain, key)


async def _change(book: Book, options: argparse.Namespace) -> str:
    await book.write(lambda callers: edits.changed(callers, options.name, _allowances(options)))
    return f"{options.name} is changed."


async def _rotate(book: Book, options: argparse.Namespace) -> str:
    now = datetime.now(UTC)
    plain, key = Key.make(now, _end(now, options.ends_in))
    await book.write(lambda callers: edits.rotated(callers, options.name, key, now, options.overlap))
    return _shown(plain, key)


async def _revoke(book: Book, options: argparse.Namespace) -> str:
    await book.write(lambda callers: edits.revoked(callers, options.key))
    return f"{options.key} is revoked."


async def _remove(book: Book, options: argparse.Namespace) -> str:
    await book.write(lambda callers: edits.removed(callers, options.name))
    return f"{options.name} is removed."


async def _list(book: Book, options: argparse.Namespace) -> str:
    callers = await book.read()
    if options.json:
        return json.dumps([each.model_dump(mode="json") for each in callers], indent=2)
    return "\n".join(line for each in callers for line in _lines(each)) or "There are no callers yet."


def _lines(caller: Caller) -> Sequence[str]:
    told = caller.model_dump(mode="json", exclude_defaults=True, exclude={"name", "keys"})
    now = datetime.now(UTC)
    head = f"{caller.name}  " + " ".join(f"{name}={value}" for name, value in told.items())
    return head.rstrip(), *(f"  {key.id}  made {key.made_at:%Y-%m-%d}  {_until(key, now)}" for key in caller.keys)


def _until(key: Key, now: datetime) -> str:
    if key.ends_at is None:
        return "no end"
    return f"{'until' if key.opens(now) else 'ended'} {key.ends_at:%Y-%m-%d %H:%M} UTC"


def _allowances(options: argparse.Namespace) -> dict[str, object]:
    """What was given, as pydantic reads it."""
    given = {name: getattr(options, name) for name in ALLOWANCES if getattr(options, name) is not None}
    return {name: _value(name, text) for name, text in given.items()}


def _value(name: str, text: str) -> object:
    if text == "none":
        return ALLOWANCES[name].get_default()
    return tuple(filter(None, map(str.strip, text.split(",")))) if name in ("models", "functions") else text


def _end(now: datetime, after: timedelta | None) -> datetime | None:
    return None if after is None else now + after


def _shown(plain: str, key: Key) -> str:
    return f"{plain}\nThis is key {key.id}. It is kept nowhere: note it now."
