"""Settings come from the file, the environment over it, the command line over both; what is wrong is said at once."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from penstock.settings import Settings, SettingsError, load_settings

SECRET = "hunter2"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in an environment without settings."""
    import os

    for name in tuple(os.environ):
        if name.startswith(("PENSTOCK_", "OPENAI_")):
            monkeypatch.delenv(name)
    return tmp_path


def written(folder: Path, settings: dict[str, Any] | str) -> Path:
    path = folder / "penstock.yaml"
    path.write_text(settings if isinstance(settings, str) else yaml.safe_dump(settings))
    return path


def refusal(config: Path | None = None, **overrides: object) -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings(config, **overrides)
    assert SECRET not in str(refused.value)
    return str(refused.value)


def one(*replicas: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"models": [{"name": "tiny", "replicas": list(replicas)} | more]}


def test_nothing_told_is_a_gateway_on_loopback(folder: Path) -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.models, settings.clouds) == ("127.0.0.1", 8080, (), {})


def test_the_file_the_environment_and_the_command_line_in_that_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = written(folder, {"port": 1, "host": "::1", "drain_seconds": 1})
    assert load_settings(config).port == 1
    monkeypatch.setenv("PENSTOCK_PORT", "2")
    monkeypatch.setenv("PENSTOCK_DRAIN_SECONDS", "2")
    settings = load_settings(config)
    assert (settings.port, settings.host, settings.drain_s) == (2, "::1", 2)
    settings = load_settings(config, port=3, drain_s=3.0)
    assert (settings.port, settings.host, settings.drain_s) == (3, "::1", 3)


def test_the_environment_may_name_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_CONFIG", str(written(folder, {"port": 7})))
    assert load_settings().port == 7


def test_lists_stand_in_the_environment_with_commas(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_REPLICAS", "http://gpu-1:8000/, http://gpu-2:8000,")
    monkeypatch.setenv("PENSTOCK_API_KEYS", "shop=sk-1,search=sk-2==")
    settings = load_settings()
    assert settings.replicas == ("http://gpu-1:8000", "http://gpu-2:8000")
    assert [key.get_secret_value() for key in settings.api_keys] == ["shop=sk-1", "search=sk-2=="]


def test_keys_may_stand_on_lines_of_their_own_in_a_mounted_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "keys").write_text("shop=sk-1\nsearch=sk-2==\n\n")
    monkeypatch.setenv("PENSTOCK_API_KEYS_FILE", str(folder / "keys"))
    assert [key.get_secret_value() for key in load_settings().api_keys] == ["shop=sk-1", "search=sk-2=="]


def test_what_lies_deeper_is_named_with_two_lines(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_BREAKER__FAIL_MAX", "9")
    settings = load_settings(written(folder, {"breaker": {"fail_max": 2, "reset_s": 3}}))
    assert (settings.breaker.fail_max, settings.breaker.reset_s) == (9, 3)


def test_models_may_stand_in_the_environment_as_json(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_MODELS", '[{"name": "tiny", "replicas": [{"url": "http://gpu-1:8000"}]}]')
    assert load_settings().models[0].replicas[0].name == "gpu-1:8000"


def test_a_mounted_file_is_the_value_that_it_holds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "keys").write_text(f"ada={SECRET}\n")
    (folder / "port").write_text("81\n")
    monkeypatch.setenv("PENSTOCK_OPERATOR_KEYS_FILE", str(folder / "keys"))
    monkeypatch.setenv("PENSTOCK_PORT_FILE", str(folder / "port"))
    settings = load_settings()
    assert [key.get_secret_value() for key in settings.operator_keys] == [f"ada={SECRET}"]
    assert settings.port == 81
    monkeypatch.setenv("PENSTOCK_PORT", "82")
    assert load_settings().port == 82, "what is said outright counts"
    monkeypatch.setenv("PENSTOCK_OPERATOR_KEYS_FILE", str(folder / "none"))
    assert "PENSTOCK_OPERATOR_KEYS_FILE" in refusal()


def test_a_targets_key_comes_from_its_variable_or_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings()
    assert settings.secret(None) == ""
    with pytest.raises(SettingsError, match="VLLM_KEY_FILE"):
        settings.secret("VLLM_KEY")
    (folder / "key").write_text(f"{SECRET}\n")
    monkeypatch.setenv("VLLM_KEY_FILE", str(folder / "key"))
    assert settings.secret("VLLM_KEY") == SECRET


def test_a_key_for_openai_is_a_cloud_unless_clouds_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert load_settings().clouds["openai"].base_url == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/")
    assert load_settings().clouds["openai"].base_url == "http://127.0.0.1:9/v1"
    named = load_settings(written(folder, {"clouds": {"other": {"base_url": "http://127.0.0.1:8/v1"}}}))
    assert set(named.clouds) == {"other"}


def test_secrets_do_not_show(folder: Path) -> None:
    told = {"api_keys": [f"a={SECRET}"], "operator_keys": [f"b={SECRET}2"], "redis_url": f"redis://:{SECRET}@r"}
    settings = load_settings(written(folder, told))
    assert SECRET not in repr(settings)
    assert SECRET not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"prot": 1}, "prot: Extra inputs"),
        ({"port": SECRET}, "port: "),
        ({"port": 65536}, "port: "),
        ({"ranking": SECRET}, "ranking: Input should be 'least_outstanding'"),
        ({"watch": {"interval_s": 0}}, "watch.interval_s: "),
        ({"breaker": {"window_s": 0.5}}, "breaker.window_s: "),
        ({"retry": {"ratio": 1.5}}, "retry.ratio: "),
        ({"api_keys": {"a": SECRET}}, "api_keys: "),
        ({"api_keys": [SECRET]}, "name=key"),
        ({"api_keys": ["alice="]}, "name=key"),
        ({"operator_keys": [f"={SECRET}"]}, "name=key"),
        ({"api_keys": [f"anyone={SECRET}"]}, "stands for whoever asks where no key is needed"),
        ({"operator_keys": [f"none={SECRET}"]}, "stands for whose key is not known"),
        ({"redis_url": [SECRET]}, "redis_url: "),
        *(
            ({"redis_url": f"redis://{rest}"}, "redis_url: is not a URL")
            for rest in (f":{SECRET}@h:notaport/0", f":{SECRET}/x@h", f":{SECRET}@h:99999", f":{SECRET}@h:0", "[::1")
        ),
        ({"redis_url": f"http://:{SECRET}@h"}, "redis_url: begins with one of redis://"),
        (one(name="a\r\nx: y"), "models.0.name: holds a control character"),
        (one(name="a\x85"), "models.0.name: holds a control character"),
        (one(aliases=["a\x00"]), "models.0.aliases.0: holds a control character"),
        (one(served_as="a\n"), "models.0.served_as: holds a control character"),
        (one(fallback=[{"cloud": "c", "model": "a\x7f"}]), "models.0.fallback.0.model: holds a control character"),
        ({"clouds": {"a\nb": {}}}, "clouds.a?b.[key]: holds a control character"),
        ({"fallback_model": "a\u2028"}, "fallback_model: holds a control character"),
        ({"a\nb": 1}, "a?b: Extra inputs"),
        ({"replicas": ["gpu-1:8000"]}, "write it as http://host:port"),
        ({"replicas": [f"bob:{SECRET}@gpu-1:8000"]}, "is not a URL"),
        (one(replicas=[{"url": "http://x", "api_key_env": f"sk-{SECRET}"}]), "put the key there, not here"),
        ({"api_keys": [f"a={SECRET}"], "operator_keys": [f"b={SECRET}"]}, "a key stands for two"),
        ({"replicas": ["ftp://gpu-1"]}, "write it as http://host:port"),
        ({"replicas": ["http://:80"]}, "write it as http://host:port"),
        ({"replicas": ["http://gpu-1:99999"]}, "replicas: Port out of range"),
        ({"replicas": ["http://gpu-1:0"]}, "write it as http://host:port"),
        ({"replicas": ["http://gpu-1:8000/a b"]}, "write it as http://host:port"),
        ({"replicas": ["http://gpu-1:8000/\r\nx: y"]}, "write it as http://host:port"),
        ({"replicas": ["http://gp\u0171:8000"]}, "write it as http://host:port"),
        ({"replicas": [f"http://me:{SECRET}@gpu-1:8000"]}, "api_key_env"),
        ({"openai_base_url": "nowhere"}, "write it as http://host:port"),
        ({"clouds": {"c": {"base_url": "nowhere"}}}, "clouds.c.base_url: "),
        (one({"url": "nowhere"}), "models.0.replicas.0.url: "),
        (one({"url": "http://a:1", "id": "a b"}), "models.0.replicas.0.id: "),
        (one({"url": "http://a:1", "weight": 0}), "models.0.replicas.0.weight: "),
        (one(fallback=[{"cloud": "sky", "model": "m"}]), "'sky', which `clouds` does not name"),
        (one(aliases=["tiny"]), "two models answer to the name 'tiny'"),
        ({"models": [{"name": "a", "aliases": ["b"]}, {"name": "b"}]}, "two models answer to the name 'b'"),
        (one({"url": "http://a:1", "id": "x"}, {"url": "http://a:2", "id": "x"}), "two targets have the name 'x'"),
        (one({"url": "http://a:1"}, {"url": "http://a:1", "api_key_env": "K"}), "two targets have the name 'a:1'"),
        ({"replicas": ["http://a:1/one", "http://a:1/two"]}, "two targets have the name 'a:1'"),
        ({**one({"url": "http://a:1", "id": "x"}), "clouds": {"x": {}}}, "two targets have the name 'x'"),
        ("- one", "must hold names and values"),
        ("1: one", "must hold names and values"),
        ("port: 2020-99-99", "holds a value that is not what it looks like"),
        (f'port: !!int "{SECRET}"', "holds a value that is not what it looks like"),
        (f"insecure: !!bool {SECRET}", "holds a value that is not what it looks like"),
        ("port: " + "[" * 5000, "is n"),
        (f"# {SECRET * 2**18}", "is larger than 1048576 bytes"),
        (f"a: 1\napi_keys: [a={SECRET}\nb: : c", "is not YAML: look at line 3"),
        (f"redis_url: *{SECRET}", "is not YAML: look at line 1"),
    ],
)
def test_what_is_wrong_is_named_and_no_value_that_may_be_a_secret(
    folder: Path, settings: dict[str, Any] | str, says: str
) -> None:
    told = refusal(written(folder, settings))
    assert says in told
    assert told.startswith(str(folder))
    assert len(told.splitlines()) <= 2


def test_brackets_without_end_are_one_line_where_yaml_is_read_in_python(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.settings.file.Loader", yaml.SafeLoader)
    told = refusal(written(folder, "port: " + "[" * 5000))
    assert told == f"{folder / 'penstock.yaml'} is nested too deep"


def test_the_largest_file_is_read_while_requests_wait_for_a_moment_only(folder: Path) -> None:
    lines = (f"- {{name: m{each}, replicas: [{{url: 'http://h:1', id: r}}]}}" for each in range(17_000))
    config = written(folder, "models:\n" + "\n".join(lines))
    assert config.stat().st_size > 0.9 * 2**20
    started = time.thread_time()
    load_settings(config)
    assert time.thread_time() - started < 5


def test_everything_that_is_wrong_is_named_at_once(folder: Path) -> None:
    told = refusal(written(folder, {"port": -1, "prot": 1, "watch": {"failures": 0}}))
    assert len(told.splitlines()) == 4


def test_a_replica_may_serve_two_models(folder: Path) -> None:
    both = [{"name": name, "replicas": [{"url": "http://a:1"}]} for name in ("base", "tuned")]
    assert len(load_settings(written(folder, {"models": both, "replicas": ["http://a:1"]})).models) == 2


@pytest.mark.parametrize(
    ("name", "value"), [("PENSTOCK_MODELS", SECRET), ("PENSTOCK_CLOUDS", "{"), ("PENSTOCK_BREAKER__FAIL_MAX", SECRET)]
)
def test_what_is_wrong_in_the_environment_is_named_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    told = refusal()
    assert told.startswith("the environment cannot be used")
    assert name.removeprefix("PENSTOCK_").lower().partition("__")[0] in told


@pytest.mark.parametrize(("name", "value"), [("port", "x"), ("drain_s", -1.0)])
def test_what_is_wrong_on_the_command_line_is_named_too(folder: Path, name: str, value: object) -> None:
    assert name in refusal(None, **{name: value}).lower()


def test_a_file_that_is_not_there_is_named(folder: Path) -> None:
    assert str(folder / "none") in refusal(folder / "none")
    (folder / "latin").write_bytes(b"host: \xe9")
    assert str(folder / "latin") in refusal(folder / "latin")


def test_lists_inside_a_group_come_from_the_environment_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_REQUESTS__MEDIA_HOSTS", "Img.example.com, cdn.example.com:8443")
    monkeypatch.setenv("PENSTOCK_REQUESTS__CORS_ORIGINS", "https://chat.example.com")
    requests = load_settings().requests
    assert requests.media_hosts == ("img.example.com", "cdn.example.com:8443")
    assert requests.cors_origins == ("https://chat.example.com",)
