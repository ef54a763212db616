"""How do the typed functions do?"""

from dashboards.board import Board, Variable
from dashboards.common import each_of, errors_of, percentile, rate_of
from dashboards.panels import TOKENS, Panel, Query, series

FUNCTION = Variable("function", "Function", "label_values(penstock_function_requests_total, function)")
CHOSEN = 'function=~"$function"'


def _latency(quantile: float) -> Panel:
    return series(
        f"Latency p{quantile * 100:g}",
        "Of each function, from a call's last byte to its answer's last.",
        "s",
        percentile(quantile, "penstock_function_seconds", "function", CHOSEN),
    )


FUNCTIONS = Board(
    "penstock-functions",
    "typed functions",
    "How do the typed functions do? Which one answers badly, slowly or at length?",
    [
        series("Calls", "Calls of each function.", "reqps", rate_of("requests", "function"), stacked=True),
        series(
            "Calls by outcome",
            "How calls end; failed has those in it whose answer could not be read.",
            "reqps",
            rate_of("requests", "function", "outcome"),
            stacked=True,
        ),
        series(
            "Error share",
            "Share of each function's calls that fail, time out, break off or meet a bug.",
            "percentunit",
            errors_of("function"),
            most=1,
        ),
        *map(_latency, (0.5, 0.95, 0.99)),
        series(
            "Tokens by kind",
            "Tokens read and written for these functions.",
            TOKENS,
            rate_of("tokens", "function", "kind"),
            stacked=True,
        ).sized(12, 8),
        series(
            "Tokens written for a call",
            "How long each function's answers are.",
            "none",
            Query(
                rate_of("tokens", "function", more=', kind=~"output.*"').expr
                + " / "
                + rate_of("requests", "function", more=', outcome!="refused"').expr,
                "{{function}}",
            ),
        ).sized(12, 8),
        each_of("function", p95=True),
    ],
    [FUNCTION],
)
