"""Who outranks whom where a setting is told several times."""

from pathlib import Path

import pytest
from penstock.settings import SettingsError, load_settings

FILE = "port: 1000\ndrain_s: 10\nretry: {floor: 3}\n"


def test_the_command_line_outranks_the_environment_which_outranks_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "penstock.yaml"
    config.write_text(FILE)
    assert load_settings(config).port == 1000

    monkeypatch.setenv("PENSTOCK_PORT", "2000")
    monkeypatch.setenv("PENSTOCK_DRAIN_SECONDS", "20")
    monkeypatch.setenv("PENSTOCK_RETRY__RATIO", "0.5")
    told = load_settings(config)
    assert (told.port, told.drain_s, told.retry.ratio, told.retry.floor) == (2000, 20, 0.5, 3)

    told = load_settings(config, port=0, drain_s=30.0)
    assert (told.port, told.drain_s, told.retry.ratio, told.retry.floor) == (0, 30, 0.5, 3)


def test_what_the_command_line_says_is_checked_like_the_rest() -> None:
    with pytest.raises(SettingsError, match="port: "):
        load_settings(port=70000)


def test_a_store_s_url_of_another_kind_is_refused_without_being_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_REDIS_URL", "http://user:hunter2@redis")
    with pytest.raises(SettingsError, match="redis_url: begins with one of redis://") as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)
