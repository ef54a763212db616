"""Every page of the runbook, drilled as it stands there in a stack of its own."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator

import pytest
from drills.page import names

from tests.docker import Engine
from tests.figures import Figures
from tests.pages import ROOT
from tests.servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DRILL = str(ROOT / "scripts/drill")
TIMES = re.compile(r"(\w+) after (\d+\.\d) s")


@pytest.fixture(scope="module")
def env(engine: Engine, root: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The drill's stack is up."""
    ports = ("HTTP_PORT", "HTTPS_PORT", "DRILL_PROMETHEUS_PORT", "DRILL_RECEIVER_PORT")
    versions = ("BLUE_VERSION", "GREEN_VERSION", "EDGE_VERSION")
    env = {
        "COMPOSE_PROJECT_NAME": "penstock-drilled",
        "PENSTOCK_STAND_INS": "1",
        "PENSTOCK_DRILL": str(tmp_path_factory.mktemp("drill")),
        **{f"PENSTOCK_{name}": str(free_port()) for name in ports},
        **{f"PENSTOCK_{name}": "test" for name in versions},
    }
    try:
        engine.run(DRILL, "--up", timeout=900, **env)
        yield env
    finally:
        engine.run(DRILL, "--down", timeout=300, **env)


@pytest.mark.parametrize("name", names())
def test_the_page_is_true(name: str, engine: Engine, env: dict[str, str], figures: Figures) -> None:
    told = engine.run(DRILL, name, "--patience", "120", timeout=800, **env)
    figures(**{f"{name}_{what}_s": float(seconds) for what, seconds in TIMES.findall(told)})


def test_what_does_not_call_itself_a_drill_or_staging_is_not_touched(engine: Engine, env: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{env['PENSTOCK_DRILL_PROMETHEUS_PORT']}"
    with pytest.raises(AssertionError, match=r": 64\n.*calls itself drill"):
        engine.run(DRILL, "ReplicaDown", "--target", url, "--yes-this-is-staging", **env)


def test_ctrl_c_mends_what_was_broken(engine: Engine, env: dict[str, str]) -> None:
    """Even where a shell started it in the background, and has it ignore SIGINT."""
    words = ["bash", "-c", f"trap '' INT; exec {DRILL} ReplicaDown"]
    with subprocess.Popen(words, env=engine.env | env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("the receiver hears" in line for line in process.stderr), "it never fired"
        process.send_signal(signal.SIGINT)
        assert "interrupted" in process.stderr.read()
    assert process.returncode == 130
    assert engine.inspect(f"{env['COMPOSE_PROJECT_NAME']}-vllm-1-1")["State"]["Running"]
