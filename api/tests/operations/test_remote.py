"""The same verb on another host: a real sshd, Ctrl-C through its terminal, and a line that is lost."""

import getpass
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from operations import remote
from operations.errors import WrongUse

from tests.operations.sshd import Sshd
from tests.operations.verb import StackHost
from tests.pages import ROOT
from tests.talk import until


def test_the_words_without_the_host() -> None:
    words = ["rolling", "--host", "ada@gpu", "--version=2", "--dir=/srv/it's"]
    assert remote.without_host(words) == ("ada@gpu", "/srv/it's", ["rolling", "--version=2"])
    assert remote.without_host(["--dir", "/srv"]) == ("", "", ["--dir", "/srv"])


def test_the_command_quotes_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_WHO", "ada; rm -rf /")
    *_, line = remote.command("ada@gpu", "/srv/it's", "deploy", ["rolling", "--version", "$(id)"])
    quoted = """cd '/srv/it'"'"'s' && PENSTOCK_WHO='ada; rm -rf /' exec scripts/deploy rolling --version '$(id)'"""
    assert line == quoted


@pytest.mark.parametrize(("host", "folder"), [("ada@gpu", ""), ("-oProxyCommand=id", "/srv")])
def test_what_makes_no_sense_is_refused(host: str, folder: str) -> None:
    with pytest.raises(WrongUse):
        remote.command(host, folder, "deploy", [])


@pytest.fixture
def far(require: Callable[[str], str], host: StackHost, tmp_path: Path) -> Iterator[StackHost]:
    """The host, reached over ssh."""
    folder = tmp_path / "ssh"
    folder.mkdir()
    names = ("STACK_CONTROL", "STACK_EDGE", "STACK_METRICS", "PENSTOCK_PLATFORM", "PENSTOCK_STATE", "PYTHONPATH")
    handed = {name: host.environment[name] for name in names} | {"PYTHON": sys.executable}
    with Sshd(require("sshd"), folder, handed) as sshd:
        host.environment |= {**handed, "PENSTOCK_SSH": sshd.ssh}
        yield host


def there(*words: str) -> tuple[str, ...]:
    return (*words, "--host", f"{getpass.getuser()}@127.0.0.1", "--dir", str(ROOT))


@pytest.mark.slow
class TestOverSsh:
    def test_a_verb_runs_there(self, far: StackHost) -> None:
        assert far.run(*there("health_check", "--version", "1")).code == 0
        assert far.run(*there("health_check", "--version", "2")).code == 1

    def test_a_line_that_is_lost_puts_everything_back(self, far: StackHost) -> None:
        verb = far.start(*there("deploy", "blue-green", "--version", "2", "--watch", "60"))
        until(lambda: far.stack.shares()["green"] == 100, 60)
        verb.process.send_signal(signal.SIGKILL)
        verb.wait()
        until(lambda: bool(far.audit()), 60)
        assert far.audit()[-1]["outcome"] == "interrupted"
        assert "SIGHUP" in far.audit()[-1]["why"]
        assert far.audit()[-1]["who"] == "ada"
        assert far.stack.shares() == {"blue": 100, "green": 0}
        assert far.stack.versions() == {"blue": ["1", "1"], "green": ["", ""]}
