"""Who asks, and what do they get?"""

from dashboards.board import Board, Variable
from dashboards.common import each_of, errors_of, rate_of
from dashboards.panels import TOKENS, Query, series

CALLER = Variable("caller", "Caller", "label_values(penstock_caller_requests_total, caller)")

CALLERS = Board(
    "penstock-callers",
    "callers",
    "Who asks how much, and who gets errors? Callers are known by their keys.",
    [
        series(
            "Requests",
            "Requests of each caller; `none` sent no known key.",
            "reqps",
            rate_of("requests", "caller"),
            stacked=True,
        ),
        series(
            "Requests by outcome",
            "How these callers' requests end.",
            "reqps",
            rate_of("requests", "caller", "outcome"),
            stacked=True,
        ),
        series(
            "Error share",
            "Share of each caller's requests that fail, time out, break off or meet a bug.",
            "percentunit",
            errors_of("caller"),
            most=1,
        ),
        series(
            "Tokens",
            "Tokens read and written for each caller.",
            TOKENS,
            rate_of("tokens", "caller"),
            stacked=True,
        ),
        series(
            "Paid to clouds",
            "Dollars an hour that clouds are paid for each caller.",
            "currencyUSD",
            Query(f"3600 * {rate_of('cost_usd', 'caller').expr}", "{{caller}}"),
            stacked=True,
        ),
        series(
            "Refused, without room, or gone",
            "Requests that were refused or found no room, and those whose client left.",
            "reqps",
            rate_of("requests", "caller", "caller", "outcome", more=', outcome=~"refused|busy|client_gone"'),
        ),
        series(
            "How late the bill is",
            "How long ago Redis had all that an instance counted: a second, unless Redis does not take it.",
            "s",
            Query("max by (instance) (penstock_usage_lag_seconds)", "{{instance}}"),
        ).sized(24, 6),
        series(
            "Refused by the edge",
            "What a rate of the edge's refused before any instance saw it; the edge knows no names.",
            "reqps",
            Query("sum by (code) (rate(edge_rate_limited_total[$__rate_interval]))", "{{code}}"),
        ).sized(24, 6),
        series(
            "Waiting for a turn",
            "Calls of each model that wait at the instances, where models.queueing is set.",
            "none",
            Query("sum by (model) (penstock_queued)", "{{model}}"),
        ),
        each_of("caller", p95=False),
    ],
    [CALLER],
)
