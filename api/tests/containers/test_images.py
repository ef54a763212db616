"""The gateway's image, built for the stack: what it says of itself, its size, and that it needs nothing to run."""

import json
from typing import Any

import pytest

from tests.figures import Figures
from tests.stack import Stack
from tests.talk import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

IMAGE = "penstock:test"
SLIM_MB = 125  # what python:3.11-slim-bookworm has, on which ours is put where a registry can be reached
MOST_MB = 250


def test_a_replica_s_image_says_what_it_lacks(stack: Stack) -> None:
    """On a stand-in, since the official base is some 10 GB: what is ours in it runs as nobody and read-only."""
    name = "penstock-vllm:test"
    stack.engine.docker("build", "--network=host", "--build-arg=VLLM_IMAGE=stand-in/python", f"--tag={name}", "vllm")
    config = stack.engine.inspect(name)["Config"]
    assert config["User"] == "65532:65532"
    assert config["StopSignal"] == "SIGTERM"
    word = (
        "--rm",
        "--network=none",
        "--read-only",
        "--cap-drop=ALL",
        "--tmpfs=/tmp",
        "--volume=/bin/true:/bin/vllm",
    )
    with pytest.raises(AssertionError, match="serve: no GPU can be seen"):
        stack.engine.docker("run", *word, name, "qwen3-8b")


@pytest.fixture
def image(stack: Stack) -> dict[str, Any]:
    return stack.engine.inspect(IMAGE)["Config"] | {"Size": stack.engine.inspect(IMAGE)["Size"]}


def test_what_it_says_of_itself(stack: Stack) -> None:
    word = ("--network=host", "--file=api/Dockerfile", "--build-arg=PYTHON_IMAGE=stand-in/python", "--quiet")
    told = (
        "--build-arg=COMPILER=gcc libc6-dev libpython3-dev",
        "--build-arg=VERSION=1.2.3",
        "--build-arg=COMMIT=0123abc",
        "--tag=penstock:labelled",
    )
    stack.engine.docker("build", *word, *told, ".", timeout=300)  # all but the labels is in the cache
    labels = stack.engine.inspect("penstock:labelled")["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == "1.2.3"
    assert labels["org.opencontainers.image.revision"] == "0123abc"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_it_runs_as_nobody_and_stops_by_draining(image: dict[str, Any]) -> None:
    user, _, group = image["User"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert image["StopSignal"] == "SIGTERM"
    assert image["Healthcheck"]["Test"][0] == "CMD"  # not CMD-SHELL


def test_it_is_small(stack: Stack, image: dict[str, Any], figures: Figures) -> None:
    base = stack.engine.inspect("stand-in/python")["Size"]
    ours_mb = (image["Size"] - base) / 1e6
    figures(over_its_base_mb=ours_mb)
    assert ours_mb + SLIM_MB < MOST_MB


def test_it_is_healthy_with_nothing_to_write_to_and_no_shell(stack: Stack) -> None:
    name = "penstock-alone"
    bare = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none")
    no_shell = ("--volume=/dev/null:/bin/dash:ro", "--volume=/dev/null:/bin/bash:ro")
    env = (
        "--env=PENSTOCK_API_KEYS=a=b",
        '--env=PENSTOCK_MODELS=[{"name": "m", "replicas": [{"url": "http://127.0.0.1:1"}]}]',
    )
    stack.engine.docker("run", "--detach", f"--name={name}", *bare, *no_shell, *env, IMAGE)
    try:
        until(lambda: stack.engine.inspect(name)["State"]["Health"]["Log"], 30)
        first = stack.engine.inspect(name)["State"]["Health"]["Log"][0]
        assert first["Output"] == ""
        stack.engine.docker("stop", name)
        assert stack.engine.inspect(name)["State"]["ExitCode"] == 0
        first_line = json.loads(stack.engine.docker("logs", name).splitlines()[0])
        assert (first_line["event"], first_line["compiled"]) == ("listening", True)
    finally:
        stack.engine.docker("rm", "--force", name)


def test_it_does_not_start_without_keys(stack: Stack) -> None:
    with pytest.raises(AssertionError, match="no keys are set"):
        stack.engine.docker("run", "--rm", "--network=none", IMAGE)


def test_what_is_not_needed_is_not_in_it(stack: Stack) -> None:
    look = "import importlib.util as i, sys; sys.exit(any(map(i.find_spec, ['pip', 'pytest', 'hatchling', 'tests'])))"
    stack.engine.docker("run", "--rm", "--network=none", "--entrypoint=python", IMAGE, "-c", look)
