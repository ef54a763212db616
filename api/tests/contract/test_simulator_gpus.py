"""The simulated exporter over simulated engines: its page follows them, and their GPUs break on request."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.monitoring.rules import EVERY, metrics
from tests.servers import Simulator
from tests.talk import until

CHAT = "/v1/chat/completions"
LONG = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 4000, "ignore_eos": True, "stream": True}
Values = dict[str, list[float]]


@pytest.fixture(scope="module")
def engines() -> Iterator[list[Simulator]]:
    with Simulator() as first, Simulator() as second:
        yield [first, second]


@pytest.fixture
def exporter(engines: list[Simulator]) -> Iterator[Simulator]:
    of = [flag for engine in engines for flag in ("--gpu-of", engine.url)]
    with Simulator("--role", "gpus", "--name", "host", *of) as exporter:
        yield exporter


def told(exporter: Simulator) -> Values:
    """Each metric's value by GPU, in order."""
    found: Values = {}
    for family in text_string_to_metric_families(httpx.get(f"{exporter.url}/metrics").text):
        for sample in family.samples:
            name = sample.name.removeprefix("DCGM_FI_DEV_").removesuffix("_total")  # which the parser adds
            found.setdefault(name, []).append(sample.value)
    return found


def test_it_has_what_the_rules_read(exporter: Simulator) -> None:
    exporter.fault("xid")
    read = {name for rule in EVERY for name in metrics(rule.expr) if name.startswith("DCGM")}
    assert {name.removeprefix("DCGM_FI_DEV_") for name in read if "_" in name} <= set(told(exporter))


def test_its_labels_are_those_of_the_real_one(exporter: Simulator) -> None:
    page = httpx.get(f"{exporter.url}/metrics")
    assert page.headers["content-type"] == "text/plain; charset=utf-8"
    (line,) = re.findall(r'^DCGM_FI_DEV_GPU_UTIL\{gpu="1",.*$', page.text, re.MULTILINE)
    assert re.fullmatch(
        r'DCGM_FI_DEV_GPU_UTIL\{gpu="1",UUID="GPU-[0-9a-f-]{36}",pci_bus_id="00000000:29:00.0",device="nvidia1",'
        r'modelName="NVIDIA H100 80GB HBM3",Hostname="host",DCGM_FI_DRIVER_VERSION="580.105.08"\} 0',
        line,
    )


def test_the_gpu_of_the_engine_that_answers_is_the_busy_one(exporter: Simulator, engines: list[Simulator]) -> None:
    assert told(exporter)["GPU_UTIL"] == [0, 0]
    with httpx.stream("POST", engines[1].url + CHAT, json=LONG) as stream:
        assert stream.status_code == 200
        until(lambda: told(exporter)["GPU_UTIL"][1] > 90, 20)
        assert told(exporter)["GPU_UTIL"][0] == 0
        idle, busy = told(exporter)["POWER_USAGE"]
        assert idle < 80 < 500 < busy
    until(lambda: told(exporter)["GPU_UTIL"] == [0, 0], 20)


def test_errors_are_of_one_gpu_and_end_when_they_are_cleared(exporter: Simulator) -> None:
    assert "XID_ERRORS" not in told(exporter)
    exporter.fault("xid", gpu=1, xid=31)
    exporter.fault("worn", gpu=1, rows=2)
    page = httpx.get(f"{exporter.url}/metrics").text
    (line,) = re.findall(r"^DCGM_FI_DEV_XID_ERRORS\{(.*)$", page, re.MULTILINE)
    assert line.startswith('gpu="1",')
    assert line.endswith('err_code="31",err_msg="GPU memory page fault"} 31')
    assert told(exporter)["UNCORRECTABLE_REMAPPED_ROWS"] == [0, 2]
    exporter.clear()
    assert "XID_ERRORS" not in told(exporter)
    assert told(exporter)["UNCORRECTABLE_REMAPPED_ROWS"] == [0, 0]


@pytest.mark.parametrize("how", ["dead", "frozen"])
def test_an_engine_that_does_not_answer_leaves_its_gpu_empty_and_the_page_whole(how: str) -> None:
    with ExitStack() as ends:
        engine = ends.enter_context(Simulator())
        exporter = ends.enter_context(Simulator("--role", "gpus", "--gpu-of", engine.url))
        until(lambda: told(exporter)["FB_USED"] == [75034], 20)
        engine.freeze() if how == "frozen" else engine.kill()
        assert told(exporter)["FB_USED"] == [0]


def test_it_generates_nothing(exporter: Simulator) -> None:
    assert httpx.post(exporter.url + CHAT, json=LONG).status_code == 404
