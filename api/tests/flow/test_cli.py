"""The commands, as they are typed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from penstock import __version__
from tests.gateway import Gateway, one_model
from tests.servers import Simulator, free_port
from tests.talk import Client, until

PENSTOCK = [sys.executable, "-m", "penstock.cli"]


def penstock(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PENSTOCK, *words], capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **env}
    )


def written(folder: Path, text: str) -> str:
    path = folder / "penstock.yaml"
    path.write_text(text)
    return str(path)


def test_version() -> None:
    ended = penstock("--version")
    assert (ended.returncode, ended.stdout) == (0, f"{__version__}\n")


def test_a_word_that_is_no_command() -> None:
    ended = penstock("polish")
    assert ended.returncode == 2
    assert "polish" in ended.stderr
    assert penstock().returncode == 2


def test_settings_that_can_be_used(tmp_path: Path) -> None:
    config = written(tmp_path, "models: [{name: a, replicas: [{url: 'http://gpu-1:8000'}]}, {name: b}]")
    ended = penstock("check-config", config)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "a, b" in ended.stdout


def test_a_key_that_is_not_set_here_is_a_warning(tmp_path: Path) -> None:
    keyed = "models: [{name: a, replicas: [{url: 'http://x', api_key_env: KEY_A}]}]\nclouds: {c: {api_key_env: KEY_B}}"
    config = written(tmp_path, keyed)
    ended = penstock("check-config", config)
    told = ended.stderr.splitlines()
    assert ended.returncode == 0
    assert [line.partition(" is not set: ")[0] for line in told] == ["warning: KEY_A", "warning: KEY_B"]
    ended = penstock("check-config", config, KEY_A="sk-a", KEY_B_FILE=config)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("modles: []", "modles"),
        ("models: [{name: a, replicas: [{url: gpu-1}]}]", "models.0.replicas.0.url: is not a URL"),
        ("models: [{name: a}, {name: a}]", "two models answer to the name 'a'"),
        ("models: [{name: a, fallback: [{cloud: c, model: m}]}]", "which `clouds` does not name"),
        ("breaker: {fail_max: 0}\nretry: {ratio: 2}", "retry.ratio"),
        ("models: [", "is not YAML"),
        ("- a", "must hold names and values"),
        ("api_keys: {a: sk-secret}", "api_keys"),
    ],
)
@pytest.mark.parametrize("command", [("check-config",), ("serve", "--port", "0", "--config")])
def test_settings_that_cannot(tmp_path: Path, command: tuple[str, ...], text: str, told: str) -> None:
    config = written(tmp_path, text)
    ended = penstock(*command, config)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"penstock: {config}")
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "secret" not in ended.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    ended = penstock("check-config", str(tmp_path / "nothing.yaml"))
    assert ended.returncode == 2
    assert "nothing.yaml" in ended.stderr


def test_a_key_that_is_not_set(tmp_path: Path) -> None:
    config = written(tmp_path, "models: [{name: a, replicas: [{url: 'http://x', api_key_env: NOT_SET_ANYWHERE}]}]")
    ended = penstock("serve", "--port", "0", "--config", config)
    assert ended.returncode == 2
    assert "NOT_SET_ANYWHERE" in ended.stderr


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_that_is_taken(command: str) -> None:
    with Simulator() as simulator:
        ended = penstock(command, "--port", str(simulator.port))
    told = f"penstock: cannot listen on 127.0.0.1 port {simulator.port}: address already in use\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", told)


@pytest.mark.parametrize("host", ["192.0.2.1", "a" * 64])
def test_an_address_that_is_not_ours(host: str) -> None:
    ended = penstock("serve", "--port", "0", "--insecure", "--host", host)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"penstock: cannot listen on {host} port 0: ")
    assert len(ended.stderr.splitlines()) == 1


def test_status(tmp_path: Path) -> None:
    with Simulator("--speed", "100") as replica:
        settings = one_model([], model={"replicas": [{"url": replica.url, "id": "gpu-1"}]})
        keys = {"PENSTOCK_OPERATOR_KEYS": "ops=sk-ops", "PENSTOCK_API_KEYS": "shop=sk-shop"}
        with Gateway(tmp_path, settings, env=keys) as gateway:
            shown = penstock("status", "--url", gateway.url, PENSTOCK_OPERATOR_KEY="sk-ops").stdout
            rows = [line.split() for line in shown.splitlines()]
            assert ["target", "kind", "health", "breaker"] in [row[:4] for row in rows]
            assert ["gpu-1", "replica", "up", "closed"] in [row[:4] for row in rows]
            assert "All is well." in shown
            assert "\x1b" not in shown
            asjson = penstock("status", "--json", "--url", gateway.url + "/", PENSTOCK_OPERATOR_KEY="sk-ops")
            assert json.loads(asjson.stdout)["models"][0]["targets"][0]["id"] == "gpu-1"
            beside = penstock("status", "--url", gateway.url, PENSTOCK_OPERATOR_KEYS="ops=sk-ops\nada=sk-ada\n")
            assert "gpu-1" in beside.stdout
            refused = penstock("status", "--url", gateway.url)
            assert (refused.returncode, refused.stdout) == (1, "")
            assert "401" in refused.stderr
            assert "PENSTOCK_OPERATOR_KEY" in refused.stderr


def test_a_status_that_is_watched_is_told_again_until_ctrl_c(tmp_path: Path) -> None:
    with Gateway(tmp_path, one_model([])) as gateway:
        command = [*PENSTOCK, "status", "--watch", "--json", "--url", gateway.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first, second = (json.loads(process.stdout.readline()) for _ in range(2))
            assert first["at"] < second["at"]
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0


def test_a_status_that_is_watched_ends_with_its_reader(tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    with Gateway(tmp_path, one_model([])) as gateway:
        command = [*PENSTOCK, "status", "--watch", "--json", "--url", gateway.url]
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert (process.wait(20), process.stderr.read()) == (0, "")


def test_a_command_whose_reader_has_left_ends_in_silence() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [*PENSTOCK, "cost", "--requests", "1000", "--tokens-in", "1", "--tokens-out", "1"]
    with subprocess.Popen(command, stdout=writing, stderr=subprocess.PIPE, text=True) as process:
        os.close(writing)
        assert process.stderr is not None
        assert (process.wait(20), process.stderr.read()) == (0, "")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense", "http://"])
def test_status_of_what_is_not_there(url: str) -> None:
    ended = penstock("status", "--url", url)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "cannot be asked" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_simulate() -> None:
    process = subprocess.Popen(
        [*PENSTOCK, "simulate", "--port", "0", "--model", "m"], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        url = process.stdout.readline().strip().removeprefix("listening on ")
        assert httpx.get(f"{url}/v1/models").json()["data"][0]["id"] == "m"
        process.terminate()
        assert process.wait(10) == 0


@pytest.fixture
def demo() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`penstock demo` in a session of its own, as in a terminal of its own."""
    port = free_port()
    command = [*PENSTOCK, "demo", "--port", str(port)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    with process:
        yield process, f"http://127.0.0.1:{port}"
        if process.poll() is None:
            process.kill()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def until_listening(process: subprocess.Popen[str]) -> str:
    """What it printed until then."""
    assert process.stdout is not None
    printed = ""
    while '"listening"' not in printed:
        line = process.stdout.readline()
        assert line, printed
        printed += line
    return printed


@pytest.mark.parametrize("whom", ["terminal", "process"])
def test_the_demo_answers_and_ends(demo: tuple[subprocess.Popen[str], str], whom: str) -> None:
    """Ctrl-C in a terminal reaches every process of the session; a kill reaches one."""
    process, url = demo
    assert process.stdout is not None
    printed = until_listening(process)
    for hint in ("curl ", "OpenAI(base_url=", "/v1/functions/ClassifyTicket", "Ctrl-C"):
        assert hint in printed
    with Client(url) as client:
        assert client.chat("demo").status_code == 200
        assert client.http.post("/v1/functions/ClassifyTicket", json={"text": "Hello"}).status_code == 200
        assert "Penstock" in client.http.get("/").text
        assert sorted(card["kind"] for card in client.targets().values()) == ["cloud", *["replica"] * 3]
    started = children(process.pid)
    assert len(started) == 4
    if whom == "terminal":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    until(lambda: not any(map(is_there, started)))
    assert "Traceback" not in process.stdout.read()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGHUP, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_no_simulator_outlives_the_demo(
    demo: tuple[subprocess.Popen[str], str], number: signal.Signals, code: int
) -> None:
    """SIGHUP is a terminal that was closed: there is no file to read again."""
    process, _ = demo
    until_listening(process)
    started = children(process.pid)
    assert len(started) == 4
    process.send_signal(number)
    assert process.wait(10) == code
    until(lambda: not any(map(is_there, started)))
