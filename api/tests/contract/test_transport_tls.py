"""Targets that want to know who asks: our certificate, the authority that we believe, and the wrong ones."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from penstock.settings.tls import TlsFiles
from penstock.upstream.transport import Transport
from penstock.upstream.wire_errors import Unreachable
from tests.asking import BODY, answer, ask, until
from tests.certificates import Authority
from tests.wire import Peer, Wire, echo

pytestmark = [pytest.mark.ours("a session of aiohttp's is given a context, not files")]


@pytest.fixture
def authority(require: Callable[[str], str], tmp_path: Path) -> Authority:
    return Authority(require("openssl"), tmp_path)


@pytest.fixture
def stranger(require: Callable[[str], str], tmp_path: Path) -> Authority:
    """Another authority, whom nobody believes."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    return Authority(require("openssl"), folder, "stranger")


def come_as(believed: Authority, pair: tuple[Path, Path] | None = None) -> TlsFiles:
    return TlsFiles(str(believed.certificate), *map(str, pair or ()))


async def test_a_target_hears_whom_its_authority_has_signed(transport: Transport, authority: Authority) -> None:
    tls = authority.server(*authority.sign("target"), mutual=True)
    async with Wire(echo, tls) as wire:
        origin = wire.origin._replace(files=come_as(authority, authority.sign("penstock")))
        for _ in range(2):
            assert await answer(transport, origin) == (200, BODY)
        assert len(wire.peers) == 1


@pytest.mark.parametrize("who", ["nobody", "a stranger"])
async def test_it_hears_nobody_else(transport: Transport, authority: Authority, stranger: Authority, who: str) -> None:
    tls = authority.server(*authority.sign("target"), mutual=True)
    heard: list[Peer] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        heard.append(peer)

    async with Wire(script, tls) as wire:
        pair = stranger.sign("penstock") if who == "a stranger" else None
        with pytest.raises(Unreachable):
            await answer(transport, wire.origin._replace(files=come_as(authority, pair)))
        await until(lambda: transport.connections == 0)
    assert heard == []


async def test_one_authority_is_believed_and_no_other(
    transport: Transport, authority: Authority, stranger: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a target has an authority of its own, those of the system do not count."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    async with Wire(echo, authority.server(*authority.sign("target"))) as wire:
        assert await answer(transport, wire.origin) == (200, BODY)
        with pytest.raises(Unreachable, match="certificate"):
            await ask(transport, wire.origin._replace(files=come_as(stranger)))
        await until(lambda: transport.connections == 1)


async def test_a_name_is_looked_at_too(transport: Transport, authority: Authority) -> None:
    async with Wire(echo, authority.server(*authority.sign("target", "DNS:another"))) as wire:
        with pytest.raises(Unreachable, match="certificate"):
            await ask(transport, wire.origin._replace(files=come_as(authority)))
        await until(lambda: transport.connections == 0)


async def test_files_that_are_replaced_are_read_again(
    transport: Transport, authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    """A certificate that was not known yet, and then one that is, under the same names."""
    pair = (tmp_path / "mine.pem", tmp_path / "mine.key")
    for source, own in zip(stranger.sign("penstock"), pair, strict=True):
        shutil.copy(source, own)
    async with Wire(echo, authority.server(*authority.sign("target"), mutual=True)) as wire:
        origin = wire.origin._replace(files=come_as(authority, pair))
        with pytest.raises(Unreachable):
            await answer(transport, origin)
        for source, own in zip(authority.sign("penstock"), pair, strict=True):
            shutil.copy(source, own)
            os.utime(own, ns=(1, 1))  # later or earlier, as it may be
        assert await answer(transport, origin) == (200, BODY)


async def test_a_file_that_is_gone_is_a_target_that_is_not_reached(transport: Transport, authority: Authority) -> None:
    async with Wire(echo, authority.server(*authority.sign("target"))) as wire:
        with pytest.raises(Unreachable, match="No such file"):
            await ask(transport, wire.origin._replace(files=TlsFiles("/nowhere.pem")))
        assert await asyncio.wait_for(answer(transport, wire.origin._replace(files=come_as(authority))), 10)
