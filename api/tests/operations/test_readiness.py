"""The checklist passes on a deployment that lacks nothing, and each check fails on one that lacks its thing."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.operations.site import ADA, SHOP, Site, full_site
from tests.servers import RedisServer
from tests.talk import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("readiness")]


@pytest.fixture(scope="module")
def redis(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(require("redis-server"), tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def standing(
    require: Callable[[str], str], redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    require("nginx-lua")
    require("prometheus-alertmanager")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLOUD_KEY", "sk-cloud")
        with full_site(tmp_path_factory.mktemp("site"), require("prometheus"), redis) as site:
            until(lambda: site.prometheus.value("min(redis_up)") == 1, 30)
            until(lambda: site.prometheus.value("count(penstock_store_up)") == 2, 30)
            until(lambda: site.prometheus.value("alertmanager_config_last_reload_successful") == 1, 30)
            yield site


@pytest.fixture
def site(standing: Site) -> Site:
    standing.as_new()
    return standing


def test_all_of_it_passes(site: Site) -> None:
    found = site.check("--disruptive")
    verdicts = {name: each["verdict"] for name, each in found.items()}
    assert verdicts.pop("autoscaling") == "not applicable"
    assert {name: found[name] for name, verdict in verdicts.items() if verdict != "pass"} == {}
    assert len(verdicts) == 21
    assert site.stack.versions() == {"blue": ["1", "1"], "green": ["", ""]}
    assert site.stack.drained() == set()
    assert not site.drained()
    assert site.host.under_way() is None


def test_what_disturbs_is_left_out_unless_it_is_asked_for(site: Site) -> None:
    before = site.stack.edge.state()
    found = site.check("--only", "fallback", "--only", "balancer", "--only", "rate limit")
    assert found["fallback"]["verdict"] == "not applicable"
    assert found["balancer"]["verdict"] == found["rate limit"]["verdict"] == "pass"
    assert site.stack.replaced == []
    assert site.stack.edge.state()["shares"] == before["shares"]


def test_the_report_in_markdown(site: Site) -> None:
    verb = site.start("--only", "closed", "--only", "autoscaling").wait()
    assert verb.out.startswith(f"# Readiness of {site.stack.edge.url}\n")
    assert "on processes: 1 pass, 0 fail, 1 not applicable." in verb.out
    assert "| closed | pass | GET /metrics, /admin/targets" in verb.out


def test_an_instance_alone_is_not_enough(site: Site) -> None:
    first, second = site.stack.of["blue"]
    site.stack.slots[first].kill()
    until(lambda: first not in site.stack.edge.up(), 20)
    assert site.one("instances") == ("fail", f"1 can take requests: {second}")
    assert site.one("balancer") == ("fail", f"out: {first}")
    verdict, seen = site.one("balancer", "--disruptive")
    assert (verdict, "it would be the last" in seen) == ("fail", True)
    site.stack.run(first, "1")


def test_a_balancer_that_goes_on_sending_to_what_was_stopped(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.stack, "end", lambda name: None)  # it is as if nobody had noticed
    first = site.stack.of["blue"][0]
    seen = f"out: not within 5 s: the edge still sends requests to {first}"
    assert site.one("balancer", "--disruptive") == ("fail", seen)


class TestTls:
    def test_none(self, site: Site) -> None:
        plain = f"http://{site.stack.of['blue'][0]}"
        found = site.check(
            "--url", plain, "--only", "tls", "--only", "certificate", "--only", "hsts", "--only", "closed"
        )
        assert {each["verdict"] for each in found.values()} == {"fail"}
        assert "/metrics answers with 200" in found["closed"]["seen"]
        assert found["hsts"]["seen"] == "no such header"

    def test_a_certificate_that_nobody_vouches_for_or_that_ends_soon(self, site: Site) -> None:
        words = [word for word in site.words("--only", "certificate", "--json") if word != "--insecure"]
        site.file.write_text(json.dumps(site.told))
        verb = site.host.run(*words)
        (found,) = json.loads(verb.out)["checks"]
        assert (found["verdict"], found["seen"][:11]) == ("fail", "not trusted")
        verdict, seen = site.one("certificate", "--certificate-days", "3650")
        assert (verdict, seen.endswith("days left")) == ("fail", True)

    def test_http_that_leads_nowhere(self, site: Site) -> None:
        plain = f"http://{site.stack.of['blue'][0]}"
        assert site.one("redirect", "--plain-url", plain) == ("fail", "401 to nowhere")


class TestDoors:
    def test_no_limit(self, site: Site) -> None:
        site.told["environments"]["edge"]["EDGE_KEY_RATE"] = "0"
        assert site.one("rate limit") == ("fail", "EDGE_KEY_RATE is 0: no limit")
        site.told["environments"]["edge"]["EDGE_KEY_RATE"] = "30"
        plain = f"http://{site.stack.of['blue'][0]}"
        assert site.one("rate limit", "--disruptive", "--url", plain) == ("fail", "no 429 within 800 requests")

    def test_one_that_asks_for_no_key(self, site: Site) -> None:
        replica = next(iter(site.stack.replicas.values()))
        verdict, seen = site.one("keys", "--url", replica.url)
        assert (verdict, "no key is answered with" in seen) == ("fail", True)


class TestSecrets:
    @pytest.fixture(autouse=True)
    def put_back(self, site: Site) -> Iterator[None]:
        kept = {path: path.read_text() for path in site.secrets.iterdir()}
        yield
        site.secrets.chmod(0o700)
        for path, text in kept.items():
            path.write_text(text)
            path.chmod(0o644)

    def test_others_may_read_them(self, site: Site) -> None:
        site.secrets.chmod(0o755)
        verdict, seen = site.one("secrets")
        assert verdict == "fail"
        assert "api_keys has mode 644, its folder 755" in seen
        for path in site.secrets.iterdir():
            path.chmod(0o600)
        assert site.one("secrets")[0] == "pass"
        site.secrets.chmod(0o777)
        assert site.one("secrets")[0] == "fail"

    @pytest.mark.parametrize(
        ("name", "text", "why"),
        [
            ("openai_api_key", "sk-none-yet", "openai_api_key is still as it was made"),
            ("grafana_password", "admin", "grafana_password is still as it was made"),
            ("operator_keys", "ada=short", "operator_keys holds one of less than 16 characters"),
            ("api_keys", "", "api_keys is empty"),
        ],
    )
    def test_one_that_everybody_knows(self, site: Site, name: str, text: str, why: str) -> None:
        (site.secrets / name).write_text(text)
        site.host.environment["PENSTOCK_OPERATOR_KEY"] = ADA
        assert site.one("secrets") == ("fail", why)
        del site.host.environment["PENSTOCK_OPERATOR_KEY"]

    @pytest.mark.parametrize("variable", [{"X": f"shop={SHOP}"}, {"X": SHOP}, {"SOME_PASSWORD": "short"}])
    def test_one_in_an_environment(self, site: Site, variable: dict[str, str]) -> None:
        environments = site.told["environments"]
        environments["api-blue-2"] = variable
        assert site.one("environment") == ("fail", f"api-blue-2: {next(iter(variable))}")
        environments["api-blue-2"] = {"GPG_KEY": "A035C8C19219BA821ECEA86B64E628F8D684696D"}
        assert site.one("environment")[0] == "pass"

    def test_alerts_that_lead_nowhere(self, site: Site) -> None:
        (site.secrets / "pager_url").write_text("http://127.0.0.1:9/none-yet\n")
        assert site.one("receivers") == ("fail", "pager_url leads nowhere yet")


class TestWatching:
    def test_a_rule_that_is_not_loaded(self, site: Site) -> None:
        more = site.project / "monitoring/prometheus/rules/more.yml"
        more.write_text("groups:\n  - name: more\n    rules:\n      - alert: NotThere\n        expr: vector(1)\n")
        assert site.one("alerts") == ("fail", "not loaded: NotThere; no group of: more.yml")
        more.unlink()

    def test_a_dashboard_that_is_not_there(self, site: Site) -> None:
        path = site.board("lost", {"uid": "penstock-lost", "panels": []})
        assert site.one("dashboards") == ("fail", "not there: penstock-lost")
        path.unlink()

    def test_instances_that_nobody_watches(self, site: Site) -> None:
        for name in site.stack.of["blue"]:
            site.stack.end(name)
        until(lambda: site.prometheus.value('sum(up{job="api"})') == 0, 30)
        assert site.one("scrapes") == ("fail", "nothing of api is up")
        verb = site.start("--json", "--only", "scrapes", "--disruptive")
        for name in site.stack.of["blue"]:
            site.stack.run(name, "1")
        (found,) = json.loads(verb.wait().out)["checks"]
        assert found["verdict"] == "pass"
        until(lambda: site.prometheus.value('sum(up{job="api"})') == 2, 30)

    def test_redis_away(self, site: Site, redis: RedisServer) -> None:
        redis.kill()
        until(lambda: site.prometheus.value("max(penstock_store_up)") == 0, 30)
        assert site.one("redis") == ("fail", "2 of 2 instances do not reach it")
        redis.start()
        until(lambda: site.prometheus.value("min(penstock_store_up)") == 1, 30)

    def test_prometheus_away(self, site: Site) -> None:
        verdict, seen = site.one("scrapes", "--prometheus", "http://127.0.0.1:9")
        assert (verdict, seen.startswith("Prometheus cannot be asked")) == ("fail", True)


class TestRehearsals:
    def test_a_rollback_that_nobody_tried_lately(self, site: Site) -> None:
        for days, outcome in ((31.0, "succeeded"), (1.0, "failed")):
            site.rolled_back(days, outcome)
            assert site.one("rollback")[0] == "fail"
        site.rolled_back()

    def test_a_smoke_test_that_fails(self, site: Site) -> None:
        replica = site.stack.replicas["good"]
        replica.fault("cut", after_events=3)
        assert site.one("smoke")[0] == "fail"
        replica.clear()

    def test_coverage(self, site: Site) -> None:
        assert site.one("coverage", "--min-coverage", "95") == ("fail", "93.0%, and 95% is asked for")
        assert site.one("coverage", "--coverage", "none-such")[0] == "fail"


class TestFallback:
    def test_a_cloud_that_does_not_answer(self, site: Site) -> None:
        site.stack.cloud.fault("status", status=500)
        verdict, seen = site.one("fallback", "--disruptive")
        site.stack.cloud.clear()
        assert (verdict, seen.startswith("502 from")) == ("fail", True)
        assert not site.drained()

    def test_a_signal_undoes_it(self, site: Site) -> None:
        site.stack.cloud.fault("slow", seconds=4, factor=1)
        verb = site.start("--only", "fallback", "--disruptive")
        until(site.drained, 30)
        verb.process.send_signal(signal.SIGTERM)
        assert verb.wait().code == 128 + signal.SIGTERM
        site.stack.cloud.clear()
        assert not site.drained()

    def test_what_a_killed_run_left_is_undone_by_the_next(self, site: Site) -> None:
        site.stack.cloud.fault("slow", seconds=4, factor=1)
        verb = site.start("--only", "fallback", "--disruptive")
        until(site.drained, 30)
        verb.process.kill()
        verb.wait()
        site.stack.cloud.clear()
        assert site.drained()
        assert site.one("closed")[0] == "pass"
        assert not site.drained()


def test_a_signal_while_an_instance_is_out_puts_it_back(site: Site) -> None:
    first = site.stack.of["blue"][0]
    verb = site.start("--only", "balancer", "--disruptive")
    until(lambda: (first, "") in site.stack.replaced, 30)
    verb.process.send_signal(signal.SIGINT)
    assert verb.wait().code == 128 + signal.SIGINT
    assert site.stack.versions()["blue"] == ["1", "1"]
    assert site.host.under_way() is None


def test_load_that_does_not_go_through(site: Site) -> None:
    for each in (site.stack.cloud, site.stack.replicas["good"]):
        each.fault("status", status=500)
    verdict, seen = site.one("load")
    assert (verdict, "100.00% failed" in seen) == ("fail", True)
    verdict, seen = site.one("balancer", "--disruptive")
    assert (verdict, "requests lost: {'status 50" in seen) == ("fail", True)
    for each in (site.stack.cloud, site.stack.replicas["good"]):
        each.clear()


def test_a_check_that_there_is_not_is_refused(site: Site) -> None:
    assert site.start("--only", "none-such").wait().code == 64


def test_a_dry_run_asks_nothing(site: Site) -> None:
    shown = site.start("--dry-run", "--disruptive").wait()
    assert (shown.code, len(shown.out.split("\n"))) == (0, 23)
    assert site.stack.replaced == []


def test_without_a_way_in_the_rest_is_still_asked(site: Site, tmp_path: Path) -> None:
    environment = dict(site.host.environment)
    del site.host.environment["STACK_SITE"]
    site.host.environment["PENSTOCK_KEY"] = SHOP
    found = site.check("--only", "instances", "--only", "secrets", "--only", "closed", "--only", "load")
    site.host.environment = environment
    verdicts = {name: each["verdict"] for name, each in found.items()}
    assert verdicts == dict.fromkeys(("instances", "secrets"), "not applicable") | dict.fromkeys(
        ("closed", "load"), "pass"
    )
