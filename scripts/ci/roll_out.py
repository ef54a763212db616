"""Deploy a version, wait until it is stable, smoke-test it from outside, and go back if that fails.

    python3 scripts/ci/roll_out.py rolling|blue-green|canary VERSION URL [FLAG...]

FLAGs go to the verbs `deploy` and `rollback`, which are programs in PENSTOCK_VERBS, else in scripts/. The last line,
also written into GITHUB_OUTPUT, is outcome= with one of the words in `Outcome`; the exit code is 0 for the first alone.
A run that is stopped (SIGINT, SIGTERM) in the deploy leaves it to that verb to put things back; after it, it goes back.
"""

import os
import re
import signal
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

HERE = Path(__file__).parent
STRATEGIES = ("rolling", "blue-green", "canary")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)


class Outcome(StrEnum):
    DEPLOYED = "deployed"
    NOT_DEPLOYED = "not-deployed"
    ROLLED_BACK = "rolled-back"
    ROLLBACK_FAILED = "rollback-failed"


class Runner:
    """Runs one program after the other, and hands a signal on to the one that runs. Once stopped, it starts no more."""

    def __init__(self) -> None:
        self._stopped = False
        self._running: subprocess.Popen[bytes] | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def stopped(self) -> bool:
        return self._stopped

    def run(self, *command: str) -> bool:
        """Whether it ended well. However often a signal comes, its end is waited for."""
        if self.stopped():
            return False
        # In a group of its own: a terminal's Ctrl-C reaches it through us, and so once.
        self._running = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)
        if self.stopped():  # in between
            self._running.terminate()
        return self._running.wait() == 0

    def _stop(self, *_: object) -> None:
        if not self._stopped and self._running:
            self._running.terminate()
        self._stopped = True


def roll_out(verbs: Path, strategy: str, version: str, url: str, flags: list[str]) -> Outcome:
    runner = Runner()
    if not runner.run(str(verbs / "deploy"), strategy, "--version", version, *flags):
        return Outcome.NOT_DEPLOYED
    after = {
        "not stable": [str(HERE / "wait_stable"), url],
        "the smoke test failed": [str(verbs / "smoke_test"), "--url", url],
    }
    for trouble, step in after.items():
        if not runner.run(*step):
            print(f"roll_out: {'stopped' if runner.stopped() else trouble}: going back", file=sys.stderr, flush=True)
            return _go_back(verbs, flags)
    return Outcome.DEPLOYED


def _go_back(verbs: Path, flags: list[str]) -> Outcome:
    for number in (signal.SIGINT, signal.SIGTERM):  # half a way back is the worst place to stop
        signal.signal(number, signal.SIG_IGN)
    back = subprocess.run([str(verbs / "rollback"), *flags], check=False)
    return Outcome.ROLLED_BACK if back.returncode == 0 else Outcome.ROLLBACK_FAILED


def main() -> int:
    if len(sys.argv) < 4 or sys.argv[1] not in STRATEGIES or not _TAG.fullmatch(sys.argv[2]):
        print(f"roll_out: {'|'.join(STRATEGIES)} VERSION URL, not {sys.argv[1:]}", file=sys.stderr)
        return 2
    strategy, version, url, *flags = sys.argv[1:]
    verbs = Path(os.environ.get("PENSTOCK_VERBS") or HERE.parent)
    outcome = roll_out(verbs, strategy, version, url, flags)
    print(f"outcome={outcome}")
    with Path(os.environ.get("GITHUB_OUTPUT") or os.devnull).open("a") as outputs:
        print(f"outcome={outcome}", file=outputs)
    return 0 if outcome == Outcome.DEPLOYED else 1


if __name__ == "__main__":
    sys.exit(main())
