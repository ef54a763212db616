"""Wait for vLLM, ask it what is slow only the first time, then open its gate: `python -m vllm_serving.warm_up`.

The first requests compile kernels and load the grammar engine; here nobody waits for that.
"""

import http.client
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vllm_serving.gate import WARM_UP_HEADER

POLL_S = 0.5
ANSWER_S = 300
TOGETHER = (1, 8)  # alone, and as a batch
SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}


def ask(method: str, path: str, body: dict[str, Any] | None = None) -> int:
    """The status of the answer, which is read to its end. OSError or HTTPException if there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["SERVE_PORT"]), timeout=ANSWER_S)
    headers = {WARM_UP_HEADER: os.environ["SERVE_WARM_UP_KEY"], "content-type": "application/json"}
    if key := os.environ.get("VLLM_API_KEY"):
        headers["authorization"] = f"Bearer {key}"
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def wait() -> None:
    """Until it answers. That it may never do so is its caller's affair, who sees the process end."""
    while True:
        try:
            if ask("GET", "/health") == http.HTTPStatus.OK:
                return
        except (OSError, http.client.HTTPException):
            pass  # it does not listen yet
        time.sleep(POLL_S)


def complete(fields: dict[str, Any]) -> int:
    body = {"model": os.environ["SERVE_NAME"], "prompt": "The quick brown fox", "max_tokens": 16, "temperature": 0}
    return ask("POST", "/v1/completions", body | fields)


def warm() -> str:
    """What was asked and answered. RuntimeError if vLLM failed to."""
    began = time.monotonic()
    asked: list[dict[str, Any]] = [{}] * sum(TOGETHER) + [{"structured_outputs": {"json": SCHEMA}}]
    statuses: list[int] = []
    with ThreadPoolExecutor(max(TOGETHER)) as pool:
        for count in (*TOGETHER, 1):
            statuses += pool.map(complete, asked[:count])
            asked = asked[count:]
    failed = [status for status in statuses if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR]
    if failed:
        raise RuntimeError(f"vLLM answered {failed[0]} to {len(failed)} of {len(statuses)} warm-up requests")
    return f"warm after {len(statuses)} requests in {time.monotonic() - began:.1f} s"


def main() -> int:
    wait()
    try:
        told = warm()
    except (OSError, http.client.HTTPException, RuntimeError) as error:
        print(f"serve: the warm-up failed: {error}", file=sys.stderr)
        return 1
    Path(os.environ["SERVE_OPEN"]).touch()
    print(f"serve: {told}: open", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
