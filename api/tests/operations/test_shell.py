"""Commands have a limit, end with the run, and hold the lock as long as they live."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from operations.errors import Interrupted, Locked, StepFailed, TookTooLong
from operations.interrupts import Interrupts
from operations.lock import locked
from operations.patience import Patience
from operations.shell import Shell

from tests.clock import Clock
from tests.operations.verb import PYTHONPATH
from tests.talk import until


def shell(folder: Path, *, dry: bool = False) -> Shell:
    return Shell(Interrupts(), folder, dry=dry)


def test_it_gives_what_a_command_prints(tmp_path: Path) -> None:
    assert shell(tmp_path).look(["pwd"]).strip() == str(tmp_path.resolve())


def test_a_failure_says_which_command_and_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match=r"`ls none-such` failed with 2: .*No such file"):
        shell(tmp_path).act(["ls", "none-such"])
    with pytest.raises(StepFailed, match="none-such cannot be run"):
        shell(tmp_path).look(["none-such"])


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(StepFailed, match="not done within"):
        shell(tmp_path).look(["sleep", "60"], limit_s=0.2)
    assert time.monotonic() - began < 5


def test_a_dry_run_looks_and_does_not_act(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dry = shell(tmp_path, dry=True)
    assert dry.act(["touch", "a file"]) == ""
    assert not (tmp_path / "a file").exists()
    assert capsys.readouterr().err == "    would run: touch 'a file'\n"
    assert dry.look(["echo", "seen"]) == "seen\n"


def test_a_signal_ends_the_command_and_is_raised(tmp_path: Path) -> None:
    interrupts = Interrupts()
    one = Shell(interrupts, tmp_path)
    with interrupts.noted(), pytest.raises(Interrupted) as raised:
        one.look(["sh", "-c", f"echo $$ > pid; kill -TERM {os.getpid()}; exec sleep 60"])
    assert raised.value.code == 128 + signal.SIGTERM
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_while_things_are_put_back_only_ctrl_c_counts() -> None:
    interrupts = Interrupts()
    with interrupts.noted():
        os.kill(os.getpid(), signal.SIGTERM)
        interrupts.undo()
        for number in (signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)
            interrupts.check()
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            interrupts.check()


class TestPatience:
    def waiting(self, clock: Clock) -> Patience:
        return Patience(Interrupts(), clock, clock.advance)

    def test_it_waits_until_nothing_is_wanting(self) -> None:
        clock = Clock()
        self.waiting(clock).until("ready", lambda: "" if clock.now > 1005 else "not yet", 10)
        assert 1005 < clock.now < 1006

    def test_it_has_a_limit_and_says_what_was_wanting(self) -> None:
        clock = Clock()
        with pytest.raises(TookTooLong, match="ready: not within 10 s: not yet"):
            self.waiting(clock).until("ready", lambda: "not yet", 10)
        assert 1010 <= clock.now < 1012


class TestLock:
    def taken(self, path: Path, limit_s: float = 0.0) -> None:
        patience = Patience(Interrupts())
        with locked(path, {"who": "bob", "what": "deploy", "when": "now"}, patience, limit_s):
            pass

    def test_it_says_whose_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        patience = Patience(Interrupts())
        holder: dict[str, object] = {"who": "ada", "what": "deploy rolling 2", "when": "noon"}
        told = f"held by ada: deploy rolling 2, since noon, process {os.getpid()}"
        with locked(path, holder, patience, 0), pytest.raises(Locked, match=told):
            self.taken(path)
        self.taken(path)

    def test_it_is_held_by_the_last_command_of_a_run_that_was_killed(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        run = (
            "import pathlib, sys; from operations.interrupts import Interrupts; from operations.lock import locked\n"
            "from operations.patience import Patience; from operations.shell import Shell\n"
            f"folder = pathlib.Path({str(tmp_path)!r}); shell = Shell(Interrupts(), folder)\n"
            "with locked(folder / 'lock', {'who': 'ada'}, Patience(Interrupts()), 0) as shell.held_open:\n"
            "    shell.look(['sh', '-c', 'echo $$ > pid; exec sleep 60'])\n"
        )
        process = subprocess.Popen([sys.executable, "-c", run], env={**os.environ, "PYTHONPATH": PYTHONPATH})
        pid = until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), 20)
        process.kill()
        process.wait()
        with pytest.raises(Locked, match="which was killed; a command that it started still runs"):
            self.taken(path)
        os.kill(int(pid), signal.SIGKILL)
        self.taken(path, 5)
