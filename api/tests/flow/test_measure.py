"""`penstock measure`, against a simulated vLLM whose speeds are known, directly and through a gateway."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from penstock.cli import main
from tests.gateway import Gateway, one_model
from tests.servers import Simulator, free_port

SPEEDS = ("--prefill-tps", "4000", "--decode-tps", "100", "--crowding", "0.1")
QUICK = ("--prompt-words", "2000", "--answer-tokens", "24", "--streams", "4")


@pytest.fixture(scope="module")
def engine() -> Iterator[Simulator]:
    with Simulator(*SPEEDS) as one:
        yield one


def flags(text: str) -> dict[str, float]:
    return {name: float(number) for name, number in re.findall(r"--([a-z-]+) ([\d.]+)", text.splitlines()[-1])}


def test_it_finds_the_speeds_that_the_engine_has(engine: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", engine.url, *QUICK]) == 0
    found = flags(capsys.readouterr().out)
    assert found["prefill"] == pytest.approx(4000, rel=0.2)
    assert found["decode-alone"] == pytest.approx(100, rel=0.2)
    assert found["crowding"] == pytest.approx(0.1, abs=0.06)
    assert found["kv-tokens"] > 0


def test_through_a_gateway_with_a_key(
    engine: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Gateway(tmp_path, one_model([engine.url], api_keys=["shop=sk-shop"])) as gateway:
        assert main(["measure", gateway.url, *QUICK]) == 1
        assert "does not tell its models" in capsys.readouterr().err
        monkeypatch.setenv("PENSTOCK_KEY", "sk-shop")
        assert main(["measure", gateway.url, *QUICK]) == 0
    found = flags(capsys.readouterr().out)
    assert found["prefill"] == pytest.approx(4000, rel=0.2)
    assert "kv-tokens" not in found, "the gateway does not tell it"


@pytest.mark.parametrize(
    ("fault", "told"),
    [("status", "it answers 500"), ("error_event", "an error in the stream")],
)
def test_what_goes_wrong_is_told(engine: Simulator, fault: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    engine.fault(fault)
    try:
        assert main(["measure", engine.url, *QUICK]) == 1
    finally:
        engine.clear()
    assert told in capsys.readouterr().err


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", f"http://127.0.0.1:{free_port()}", "--model", "any"]) == 1
    assert "cannot be asked" in capsys.readouterr().err
    assert main(["measure", "http://127.0.0.1:none", "--model", "any"]) == 1
    assert "is no URL" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [("--streams", "1"), ("--answer-tokens", "x"), ("--prompt-words", "1000000")])
def test_words_that_make_no_sense(wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["measure", "http://127.0.0.1", *wrong])
    assert ended.value.code == 2
    assert f"argument {wrong[0]}" in capsys.readouterr().err
