"""Does the new version do as well as the old one?"""

from dashboards.board import FIRING, MOVED, Board, Variable
from dashboards.common import ERROR_STEPS, FIRST_TOKEN_STEPS, LATENCY_STEPS, plan
from dashboards.panels import PLAIN, TOKENS, Panel, Query, Step, series, stat, timeline

CANARY = Variable("canary", "Canary", "label_values(edge_share, colour)", only="green")
ERRORS, FALLBACK = "errors_per_request:ratio_rate1m", "fallback_per_request:ratio_rate1m"
LATENCY, FIRST_TOKEN = "request_seconds:p99_1m", "first_token_seconds:p95_1m"
SPEED = "inter_token_seconds:p50_1m"
SLOTS = {1: ("up", "green"), 0: ("down", "red"), -1: ("drained", "blue"), -2: ("drained, down", "purple")}


def _versus(title: str, unit: str, recorded: str, steps: tuple[Step, ...], form: str = "{}") -> Panel:
    """The canary's figure beside that of the other colour."""
    queries = [
        Query(form.format(f'max by (colour) (colour_version:penstock_{recorded}{{colour{sign}"$canary"}})'), legend)
        for sign, legend in (("=", "canary, {{colour}}"), ("!=", "control, {{colour}}"))
    ]
    return stat(title, "Canary beside control, over a minute.", unit, *queries, steps=steps).sized(6, 4)


def _versions(title: str, says: str, unit: str, recorded: str, *more: Query, form: str = "{}") -> Panel:
    each = Query(form.format(f"colour_version:penstock_{recorded}"), "{{colour}} {{version}}")
    return series(title, says, unit, each, *more)


NOW = [
    _versus("Error share", "percentunit", ERRORS, ERROR_STEPS),
    _versus("Latency p99", "s", LATENCY, LATENCY_STEPS),
    _versus("First token p95", "s", FIRST_TOKEN, FIRST_TOKEN_STEPS),
    _versus("Tokens a second of a stream", TOKENS, SPEED, PLAIN, "1 / {}"),
]

WHERE = [
    series(
        "Shares at the edge",
        "Percent of the requests that each colour is to get.",
        "percent",
        Query("max by (colour) (edge_share)", "{{colour}}"),
        most=100,
        stacked=True,
    ),
    series(
        "Instances by version",
        "Instances that Prometheus can read.",
        "none",
        Query("count by (colour, version) (penstock_build_info)", "{{colour}} {{version}}"),
        stacked=True,
    ),
    timeline(
        "Slots",
        "As the edge sees them; those of a colour that gets nothing may be down.",
        Query("max by (colour, peer) (edge_peer_up - 2 * edge_peer_drained)", "{{colour}} {{peer}}"),
        SLOTS,
    ),
]

VERSIONS = [
    _versions("Requests", "Requests that ended, without those refused.", "reqps", "requests:rate1m"),
    _versions(
        "Error share",
        "Share of the requests that fail, and what ErrorRateHigh allows.",
        "percentunit",
        ERRORS,
        plan("errors_per_request:ratio"),
    ),
    _versions(
        "Fallback share",
        "Share of the requests that a cloud answered, and what is planned.",
        "percentunit",
        FALLBACK,
        plan("fallback_per_request:ratio"),
    ),
    _versions(
        "Latency p99",
        "From a request's last byte to its answer's last, and what is promised.",
        "s",
        LATENCY,
        plan("request_seconds:p99"),
    ),
    _versions(
        "First token p95",
        "From a request's last byte to the first token of its stream, and what is promised.",
        "s",
        FIRST_TOKEN,
        plan("first_token_seconds:p95"),
    ),
    _versions(
        "Tokens a second of a stream",
        "Of the median stream: one over the mean time between its events.",
        TOKENS,
        SPEED,
        form="1 / {}",
    ),
    series(
        "Errors at the edge",
        "Refusals and errors that each colour's clients saw; none: no instance was asked.",
        "reqps",
        Query(
            'sum by (colour, status) (rate(edge_requests_total{status=~"4xx|5xx"}[$__rate_interval]))',
            "{{colour}} {{status}}",
        ),
    ).sized(12, 8),
    series(
        "In flight",
        "Requests open at each slot, as the edge counts them.",
        "none",
        Query("sum by (colour, peer) (edge_peer_in_flight)", "{{colour}} {{peer}}"),
    ).sized(12, 8),
]

DEPLOYS = Board(
    "penstock-deploys",
    "deploys",
    "Does the new version do as well as the old one? Colours and versions side by side.",
    [*NOW, "What runs where", *WHERE, "Versions side by side", *VERSIONS],
    [CANARY],
    [FIRING, MOVED],
)
