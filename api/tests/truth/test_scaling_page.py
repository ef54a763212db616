"""docs/scaling.md: what its commands print, and its arithmetic."""

import re
import shlex

import pytest
from penstock.capacity.command import main
from penstock.costing.inputs import Inputs
from penstock.costing.selfhost import SECONDS
from tests.pages import ROOT, blocks, page, rows

PAGE = page("docs/scaling.md")
PROSE = re.sub(r"\s+", " ", PAGE)
FIVE, FIFTY = (shlex.split(each)[2:] for each in blocks("docs/scaling.md", "bash")[0].replace("\\\n", " ").splitlines())
SHOWN = blocks("docs/scaling.md", "text")
TABLES = [each for each in rows(PAGE) if len(each) > 5]
BILLS, SIX = [each for each in TABLES if len(each) == 11], [each for each in TABLES if len(each) == 6]
AMOUNTS, AROUND = SIX[:5], {name: rest for name, *rest in SIX[5:]}
ENGINEER = 4 * int(Inputs.model_fields["engineering"].default)


def number(text: str) -> float:
    return float(text.replace(",", ""))


def near(text: str) -> object:
    """As exact as it is written."""
    return pytest.approx(number(text), rel=0.06 if len(text.strip("0.,")) < 2 else 0.03)


def zone_lost(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[float, float]:
    """Replicas, and dollars a month, as the command prints them and the page shows."""
    assert main(arguments) == 0
    text = capsys.readouterr().out
    (shown,) = (each for each in SHOWN if each in text)
    (line,) = re.findall(r"^one zone lost .*", shown, re.MULTILINE)
    cells = re.split(r"  +", line)
    return number(cells[1]), number(cells[-1])


def test_five_million(capsys: pytest.CaptureFixture[str]) -> None:
    assert (number(BILLS[0][4]), number(BILLS[0][5])) == zone_lost(FIVE, capsys)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_fifty_million_and_its_cells(capsys: pytest.CaptureFixture[str]) -> None:
    replicas, month = zone_lost(FIFTY, capsys)
    for row in BILLS[1:]:
        cells = number(row[1])
        assert number(row[4]) == cells * replicas
        assert number(row[5]) == pytest.approx(cells * month, abs=cells), "a cell's dollars are rounded"


def test_the_bills_add_up() -> None:
    assert len(BILLS) == 4
    for requests, _, mean, peak, replicas, machines, around, engineers, people, bill, each in BILLS:
        rate = number(requests) / SECONDS
        assert (rate, 3 * rate) == (near(mean), near(peak))
        assert number(machines) == pytest.approx(number(replicas) * (730 * 1.861 + 8), abs=1)
        assert number(people) == number(engineers) * ENGINEER
        assert number(bill) == number(machines) + number(around) + number(people)
        assert number(each) == pytest.approx(number(bill) / number(requests), abs=1e-6)
    assert f"${round(90 * 730 * 1.861 * 0.33):,} a month" in PROSE


def hours(cells: float, of_each: float) -> float:
    return 730 * cells * of_each


def priced(line: str) -> list[float]:
    """The prices that a line names, in dollars."""
    return [float(each) for each in re.findall(r"\$([\d.]*\d)", AROUND[line][-1])]


@pytest.mark.parametrize("column", range(4))
def test_what_is_around_the_machines(column: int) -> None:
    """Counts are those of Terraform's environments: staging, then a region of production in each cell."""
    requests, cells, whole = number(BILLS[column][0]), number(BILLS[column][1]), column > 0
    streamed, logged = requests * 23.2e3 / 1e9, requests * 430 / 1e9
    (vcpu, gb), (alb, lcu), (rules, asked) = priced("gateways"), priced("balancer"), priced("limit by address")
    (hour, through), (small, large) = priced("ways out"), priced("Redis")
    (taken, kept), (out,) = priced("logs"), priced("traffic")
    bill = {
        "gateways": hours(cells, 3 if whole else 2) * (vcpu + 2 * gb),
        "balancer": hours(cells, alb) + streamed * lcu,
        "limit by address": cells * rules + requests / 1e6 * asked,
        "ways out": hours(cells, 3 if whole else 1) * hour + logged * through,
        "Redis": hours(cells, 2 * large if whole else small),
        "logs": logged * (taken + 12 * kept),
        "traffic": streamed * out,
    }
    told = {name: number(AROUND[name][column]) for name in bill}
    assert told == {name: pytest.approx(dollars, abs=0.51) for name, dollars in bill.items()}
    assert sum(told.values()) == number(AROUND["in all"][column]) == number(BILLS[column][6])


def test_the_sentences_about_what_is_around() -> None:
    small, large = priced("Redis")
    assert f"would save ${hours(100, 2 * (large - small)):,.0f}" in PROSE
    assert f"around the machines is ${BILLS[3][6]} a month" in PROSE
    assert number(BILLS[3][6]) / number(BILLS[3][5]) == pytest.approx(1 / 20, rel=0.03)
    assert max(number(each[3]) for name, each in AROUND.items() if name != "in all") == number(AROUND["Redis"][3])
    assert f"${number(AMOUNTS[2][2]) * 2 / 3 * 0.02:.0f} a cell" in PROSE


def test_the_counts_are_terraform_s() -> None:
    staging, production = (
        page(f"infrastructure/terraform/environments/{name}/main.tf") for name in ("staging", "production")
    )
    assert ("min = 2" in staging, "min = 3" in production) == (True, True)
    assert ("one_exit = true" in staging, production.count("zones = 3, one_exit = false")) == (True, 2)
    caches = [page(f"infrastructure/terraform/environments/{name}/variables.tf") for name in ("staging", "production")]
    for wanted, file in zip(('"cache.t4g.small", nodes = 1', '"cache.m7g.large", nodes = 2'), caches, strict=True):
        assert wanted in file
    task = page("infrastructure/terraform/modules/api_service/task.tf")
    assert re.search(r"cpu += 1024\b", task)
    assert re.search(r"memory += 2048\b", task)
    assert page("infrastructure/terraform/modules/balancer/security.tf").count("  rule {") == 1


def test_how_much_there_is_around_the_machines() -> None:
    streams = page("docs/benchmarks.md").split("### 200 streams of 65 events")[1].split("###")[0]
    told = [number(each) for each in re.findall(r"([\d,]+) µs(?: for a stream|, so)", PAGE)]
    for name, microseconds in zip(("penstock", "nginx"), told, strict=True):
        (now,) = re.findall(rf"\| {name} \| ([\d,]+) ", streams)
        assert number(now) == pytest.approx(microseconds, rel=0.25), "docs/benchmarks.md has other figures by now"
    gateway, edge = (each * 99 / 65 for each in told)
    assert f"so {gateway:,.0f} µs for 99" in PAGE
    assert f"so {edge:,.0f} µs" in PAGE
    metrics = (ROOT / "vllm/simulator/captures/default/metrics_after.txt").read_text()
    series = len(re.findall(r"^vllm", metrics, re.MULTILINE))
    for column, bill in enumerate(BILLS, 1):
        requests, peak, replicas = number(bill[0]), 3 * number(bill[0]) / SECONDS, number(bill[4])
        cores, edges, streamed, logged, scraped = (row[column] for row in AMOUNTS)
        assert (peak * gateway / 1e6, peak * edge / 1e6) == (near(cores), near(edges))
        assert (requests * 23.2e3 / 1e9, requests * 430 / 1e9) == (near(streamed), near(logged))
        assert replicas * series == number(scraped)
