"""`penstock demo`: the gateway over three simulated replicas and a simulated cloud, on this machine alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from penstock.address import refuse_taken
from penstock.settings import Settings, SettingsError
from penstock.settings.environment import PREFIX, process_environment
from penstock.settings.parts import Cloud, Fallback, Model, Price, Replica

READY = "listening on "
CLOUD_KEY = "PENSTOCK_DEMO_CLOUD_KEY"
CLOUD_MODEL = "gpt-4o-mini"

TRY = """
Penstock answers on {url}: three simulated replicas, one simulated cloud. Try:

  curl {url}/v1/chat/completions -H 'content-type: application/json' \\
    -d '{{"model": "demo", "messages": [{{"role": "user", "content": "Hello"}}]}}'

  python -c "from openai import OpenAI; print(OpenAI(base_url='{url}/v1', api_key='any')
    .chat.completions.create(model='demo', messages=[{{'role': 'user', 'content': 'Hello'}}]).choices[0].message)"

  curl {url}/v1/functions/ClassifyTicket -H 'content-type: application/json' \\
    -d '{{"text": "I was charged twice this month"}}'

Status page: {url}/    API: {url}/docs    Targets: penstock status --url {url}    End: Ctrl-C
"""


def run(port: int, serve: Callable[[Settings], None]) -> int:
    """Start the simulators, serve until a signal, and leave no process behind. Raises CannotListen."""
    refuse_taken("127.0.0.1", port)
    environment = process_environment()
    for name in [name for name in environment if name.startswith(PREFIX)]:
        del environment[name]  # what is set for a real instance is not for this one
    environment[CLOUD_KEY] = "sk-simulated"
    with ExitStack() as stack:
        replicas = [
            stack.enter_context(simulator("--model", "demo", "--name", f"replica-{number}")) for number in (1, 2, 3)
        ]
        cloud = stack.enter_context(
            simulator("--role", "cloud", "--model", CLOUD_MODEL, "--api-key", "sk-simulated", "--name", "cloud")
        )
        print(TRY.format(url=f"http://127.0.0.1:{port}"), flush=True)
        serve(demo_settings(port, replicas, cloud))
    return 0


def demo_settings(port: int, replicas: list[str], cloud: str) -> Settings:
    """One model over the pool, with the cloud behind it."""
    model = Model(
        name="demo",
        aliases=(CLOUD_MODEL,),
        replicas=tuple(Replica(url=url) for url in replicas),
        fallback=(Fallback(cloud="simulated-cloud", model=CLOUD_MODEL),),
        price=Price(input_per_million_usd=0.15, output_per_million_usd=0.60),
    )
    clouds = {"simulated-cloud": Cloud(base_url=f"{cloud}/v1", api_key_env=CLOUD_KEY)}
    return Settings(port=port, models=(model,), clouds=clouds)


@contextmanager
def simulator(*options: str) -> Iterator[str]:
    """A simulator in a process of its own; gives its URL. It has its own session, so that Ctrl-C is ours alone.

    It ends when its input does, which is when this process is gone, in whichever way.
    """
    command = [sys.executable, "-m", "vllm_simulator", "--port", "0", "--until-eof", *options]
    with subprocess.Popen(  # noqa: S603  # every word of it is ours
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101  # it was asked for
            line = process.stdout.readline().strip()
            if not line.startswith(READY):
                raise SettingsError(f"a simulator did not start: {line or 'see above'}")
            yield line.removeprefix(READY)
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
