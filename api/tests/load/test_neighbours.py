"""A caller at a hundred times the rate of another, which is to notice little: what it waits, with and without."""

import asyncio
import contextlib
import statistics
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from penstock.callers.caller import Key

from tests.figures import Figures
from tests.gateway import Gateway, Line, one_model
from tests.load.traffic import WELL, Result, Traffic, outcomes, quantile
from tests.operations.verb import Host, Verb
from tests.servers import Simulator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

QUIET, TIMES = 2, 100
PLACES, ANSWER_S = 64, 1.0
TOKENS = 50
"""A second at the simulator's speed."""
ROUNDS, SECONDS = 2, 12
AT_MOST = 5
"""How many times as long it may wait. It is hardly longer, but this machine also has to send it all."""


def p99(results: list[Result]) -> float:
    return quantile((each.seconds for each in results), 0.99)


@contextlib.asynccontextmanager
async def noisy(gateway: Gateway, folder: Path, ended: list[Verb]) -> AsyncIterator[None]:
    """In a process of its own, and as soon as it has filled every place."""
    rate = ("--rate", str(QUIET * TIMES), "--seconds", "600", "--progress", "1")
    words = ("--url", gateway.url, "--key", "sk-noisy", "--model", "tiny", "--streams", "0", *rate)
    verb = Host(folder, folder).start("load_test", *words, "--answer-tokens", str(TOKENS), "--open", "512")
    try:
        await asyncio.sleep(2 * ANSWER_S)
        yield
    finally:
        verb.process.terminate()
        ended.append(await asyncio.to_thread(verb.wait))


@pytest.mark.parametrize(
    ("limits", "queueing"),
    [
        pytest.param({"parallel": 8}, {}, id="it has a limit"),
        pytest.param({}, {"parallel": PLACES, "waiting": 128, "wait_s": 2}, id="all take turns"),
    ],
)
async def test_who_asks_a_hundred_times_as_much(limits: Line, queueing: Line, tmp_path: Path, figures: Figures) -> None:
    callers = [
        {"name": name, "keys": [Key.of(f"sk-{name}").model_dump(mode="json")], **more}
        for name, more in (("quiet", {}), ("noisy", limits))
    ]
    (tmp_path / "callers.yaml").write_text(yaml.safe_dump({"callers": callers}))
    ended: list[Verb] = []
    alone, beside = [], []
    with Simulator("--crowding", "0", "--max-num-seqs", "256") as replica:
        settings = one_model([replica.url], model={"queueing": queueing}, callers=str(tmp_path / "callers.yaml"))
        with Gateway(tmp_path, settings) as gateway:
            async with Traffic(gateway.url, max_tokens=TOKENS, key="sk-quiet") as quiet:
                for _ in range(ROUNDS):
                    alone.append(list(await asyncio.gather(*await quiet.flow(QUIET, SECONDS))))
                    async with noisy(gateway, tmp_path, ended):
                        beside.append(list(await asyncio.gather(*await quiet.flow(QUIET, SECONDS))))
            lines = [line for line in gateway.requests() if line["caller"] == "noisy"]
    assert outcomes([result for results in (*alone, *beside) for result in results]).keys() == {WELL}
    before, after = (statistics.median(map(p99, rounds)) for rounds in (alone, beside))
    answered = sum(line["status"] == 200 for line in lines)
    figures(p99_alone_s=before, p99_beside_s=after, p99_ratio=after / before, noisy_sent=len(lines), noisy_ok=answered)
    assert 0 < answered < len(lines)
    assert after / before < AT_MOST
