"""Record what a real vLLM answers, as the simulator is held to it: vllm/simulator/captures/FOLDER/CASE.txt.

    python vllm/cpu/record.py        some five minutes; needs vllm/cpu/install

A capture is the request as a `curl` line (its values unquoted, the body last), then the answer as it came.
What differs from run to run or from machine to machine is made the same: dates, ids, ports, paths.
"""

import http.client
import json
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ask import Case
from cases import SETS, TERMINATED, TROUBLED
from vllm_cpu import HERE, Replica

CAPTURES = HERE.parent / "simulator" / "captures"
VARYING = re.compile(r"(?<=[-_])[0-9a-f]{8,32}\b|(?<=x-request-id: )[0-9a-f]{32}")
NOT_VLLM = re.compile(r"^(# \w+ )?(python|process|http)_.*\n", re.MULTILINE)


def ask(port: int, case: Case) -> str:
    """The exchange as text: the request's line, the status line, the headers, a blank line, the body."""
    headers = {"content-type": "application/json"} if case.body is not None else {}
    headers |= case.headers
    body = case.body if isinstance(case.body, str | None) else json.dumps(case.body, separators=(",", ":"))
    method = "GET" if body is None else "POST"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, case.path, body, headers)
        response = connection.getresponse()
        answer = [f"HTTP/1.1 {response.status} {response.reason}"]
        answer += [f"{name}: {value}" for name, value in response.getheaders()]
        text = response.read().decode()
    finally:
        connection.close()
    sent = "".join(f" -H {name}: {value}" for name, value in headers.items())
    asked = f"$ curl -i{' -X POST' if body is not None else ''} http://127.0.0.1:8000{case.path}{sent}"
    asked += "" if body is None else f" -d {body}"
    return "\n".join([asked, *answer, "", text, ""])


def steady(text: str) -> str:
    """The same text, whenever and wherever it was recorded."""
    text = re.sub(r"^(date|content-length): .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r'("(?:created|created_at|completed_at)":\s*)\d{10}', r"\g<1>1767225600", text)
    text = re.sub(r"^(\S+_created(?:\{.*\})?) .*$", r"\1 1.7672256e+09", text, flags=re.MULTILINE)
    text = re.sub(r'"/[^"]*/models/', '"/models/', text)
    text = NOT_VLLM.sub("", text)
    seen: dict[str, str] = {}
    return VARYING.sub(lambda found: seen.setdefault(found[0], f"{len(seen) + 1:0{len(found[0])}x}"), text)


def save(folder: str, name: str, text: str) -> None:
    path = CAPTURES / folder / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(steady(text))
    print(f"{folder}/{name}: {text.splitlines()[1]}")


@contextmanager
def serving(model: str, *flags: str) -> Iterator[Replica]:
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        replica = Replica(model, Path(log.name), *flags)
        replica.start()
        try:
            replica.wait()
            yield replica
        finally:
            replica.stop()


def record_sets() -> None:
    for folder, (flags, cases) in SETS.items():
        with serving("words", *flags) as replica:
            for case in cases:
                save(folder, case.name, ask(replica.port, case))


def under(
    replica: Replica, event: Callable[[], None], cases: Mapping[str, Case] = TROUBLED, after_s: float = 0.7
) -> dict[str, str]:
    """What the cases are answered when `event` happens while they are being answered; silence is left out."""
    answers: dict[str, str] = {}

    def answer(case: Case) -> None:
        with suppress(TimeoutError):
            answers[case.name] = ask(replica.port, case)

    threads = [threading.Thread(target=answer, args=[case]) for case in cases.values()]
    for thread in threads:
        thread.start()
    time.sleep(after_s)  # the model has made some tokens by now
    event()
    for thread in threads:
        thread.join()
    return answers


def record_busy_and_killed() -> None:
    def busy() -> None:
        for name, case in TROUBLED.items():
            save("trouble", f"busy_{name}", ask(replica.port, case))
        save("trouble", "busy_metrics", ask(replica.port, Case("metrics", "/metrics")))

    with serving("slow", "--max-num-seqs=1", "--max-num-queued-reqs=2") as replica:  # two in all
        under(replica, busy)
        for name, text in under(replica, replica.kill_worker).items():
            save("trouble", f"worker_killed_{name}", text)


def record_terminated() -> None:
    """Asked to end, vLLM fails what is open in one of three ways, as it happens: with an error; by calling it
    finished, for the reason "abort"; or by falling silent for ever, which leaves nothing to record."""
    wanted = {"terminated", "aborted"}
    for _ in range(12):
        with serving("words") as replica:
            answers = under(replica, replica.terminate, TERMINATED, after_s=0.2)
        if len(answers) == len(TERMINATED):
            kind = "aborted" if '"finish_reason":"abort"' in answers["whole"] else "terminated"
            for name, text in answers.items():
                save("trouble", f"{kind}_{name}", text)
            wanted.discard(kind)
        if not wanted:
            return
    raise RuntimeError(f"never seen: {wanted}")


def record_draining() -> None:
    def draining() -> None:
        replica.terminate()
        time.sleep(0.3)
        save("trouble", "draining_health", ask(replica.port, Case("health", "/health")))
        for name, case in TROUBLED.items():
            save("trouble", f"draining_{name}", ask(replica.port, case))

    with serving("slow", "--shutdown-timeout=15") as replica:
        for name, text in under(replica, draining).items():
            save("trouble", f"drained_{name}", text)


if __name__ == "__main__":
    shutil.rmtree(CAPTURES, ignore_errors=True)
    record_sets()
    record_busy_and_killed()
    record_terminated()
    record_draining()
