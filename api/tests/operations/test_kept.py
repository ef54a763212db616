"""What outlives a run: the file of releases, whole at every moment, and the audit."""

from pathlib import Path

import pytest
from operations.audit import Audit, who
from operations.errors import CannotAsk
from operations.releases import Release, Releases, ReleasesFile, UnderWay
from operations.words import Picture, Unit

BEFORE = Picture({"blue": 100, "green": 0}, (Unit("api-blue-1", "blue", "1", ready=True, life="noon"),))
WHOLE = Releases(
    Release("blue", "1"), Release("green", "0"), UnderWay("ada", "deploy rolling", "2", "noon", "begin", BEFORE)
)


def test_it_reads_what_it_wrote(tmp_path: Path) -> None:
    file = ReleasesFile(tmp_path / "releases.json")
    assert file.read() == Releases()
    for each in (WHOLE, Releases(Release("blue", "1")), Releases()):
        file.write(each)
        assert file.read() == each


def test_a_step_changes_nothing_else(tmp_path: Path) -> None:
    file = ReleasesFile(tmp_path / "releases.json")
    file.write(WHOLE)
    file.step("drain api-blue-1")
    read = file.read()
    assert read.under_way is not None
    assert read.under_way.step == "drain api-blue-1"
    assert read.under_way.before == BEFORE


def test_a_write_that_was_cut_short_harms_nothing(tmp_path: Path) -> None:
    file = ReleasesFile(tmp_path / "releases.json")
    file.write(WHOLE)
    (tmp_path / "releases.new").write_text('{"serving": nu')
    assert file.read() == WHOLE
    file.write(Releases())
    assert file.read() == Releases()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"serving": 3, "previous": null, "under_way": null}'])
def test_what_no_run_wrote_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "releases.json").write_text(text)
    with pytest.raises(CannotAsk):
        ReleasesFile(tmp_path / "releases.json").read()


def test_the_audit_is_only_added_to(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit.jsonl")
    assert audit.last(5) == []
    for number in range(7):
        audit.write({"number": number})
    assert [line["number"] for line in audit.last(3)] == [6, 5, 4]
    assert len((tmp_path / "audit.jsonl").read_text().splitlines()) == 7


def test_who_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PENSTOCK_WHO", raising=False)
    assert "@" in who()
    monkeypatch.setenv("PENSTOCK_WHO", "pipeline 7")
    assert who() == "pipeline 7"
