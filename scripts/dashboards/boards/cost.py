"""What is paid, what is saved, and will the plan hold?"""

from dashboards.board import Board
from dashboards.boards.overview import MODEL
from dashboards.common import OF_MODEL, fallback_share, paid_within_a_day, plan
from dashboards.panels import GREEN, PLAIN, TOKENS, Panel, Query, series, stat

SPOKEN = "model_target_kind_kind:penstock_tokens:rate5m"
BY_POOL = f'{SPOKEN}{{model=~"$model", target_kind="replica"}}'
LAST_HOUR = f"sum(model:penstock_cost_usd:increase1h{OF_MODEL})"


def _dollars(title: str, says: str, recorded: str) -> Panel:
    return series(title, says, "currencyUSD", Query(f"{recorded}{OF_MODEL}", "{{model}}"), stacked=True)


def _tokens(by: str, title: str, says: str) -> Panel:
    return series(title, says, TOKENS, Query(f"sum by ({by}) ({SPOKEN}{OF_MODEL})", f"{{{{{by}}}}}"), stacked=True)


COST = Board(
    "penstock-cost",
    "cost",
    "What is paid, what is saved, and will the plan hold?",
    [
        stat("Paid within an hour", "Dollars paid to clouds.", "currencyUSD", Query(LAST_HOUR), steps=PLAIN),
        paid_within_a_day(),
        stat(
            "Of a day's plan",
            "All models together; above 80 % FallbackBudgetNearlySpent fires, above 100 % CostOverPlan.",
            "percentunit",
            Query("sum(model:penstock_cost_usd:increase1d) / scalar(plan:penstock_cost_usd:increase1d)"),
            steps=((None, "green"), (0.8, "yellow"), (1, "red")),
        ),
        stat(
            "In 30 days at this rate",
            "Dollars, if clouds are paid as in the last hour.",
            "currencyUSD",
            Query(f"720 * {LAST_HOUR}"),
            steps=PLAIN,
        ),
        stat(
            "Saved within a day",
            "Dollars that a cloud would have cost for the pool's answers.",
            "currencyUSD",
            Query(f"sum(model:penstock_saved_usd:increase1d{OF_MODEL})"),
            steps=GREEN,
        ),
        stat(
            "Tokens from the pool",
            "Share of the tokens that replicas read and wrote.",
            "percentunit",
            Query(f"sum({BY_POOL}) / sum({SPOKEN}{OF_MODEL})"),
            steps=PLAIN,
        ),
        series(
            "Paid within a day",
            "All models together, and what is planned.",
            "currencyUSD",
            Query("sum(model:penstock_cost_usd:increase1d)", "paid"),
            plan("cost_usd:increase1d"),
        ),
        _dollars("Paid within an hour", "Dollars paid to clouds.", "model:penstock_cost_usd:increase1h"),
        _dollars("Saved within an hour", "Dollars that no cloud was paid.", "model:penstock_saved_usd:increase1h"),
        _tokens("kind", "Tokens by kind", "Those that are estimated are of broken streams."),
        _tokens("target_kind", "Tokens by who answers", "Only clouds are paid by the token."),
        _tokens("model", "Tokens by model", "Tokens read and written."),
        series(
            "Why clouds answer",
            "busy asks for replicas, no_replica for a look at the breakers.",
            "reqps",
            Query(f"sum by (reason) (rate(penstock_fallback_total{OF_MODEL}[$__rate_interval]))", "{{reason}}"),
            stacked=True,
        ),
        fallback_share(),
        series(
            "Spent of the budgets",
            "What clouds were paid, as a share of fallback_budget; at 100 % no cloud is asked.",
            "percentunit",
            Query("period:penstock_fallback_spent:ratio", "a {{period}}"),
            most=1,
        ),
        series(
            "The pool an hour",
            "Dollars that an hour of each model's replicas costs, as usd_per_hour says.",
            "currencyUSD",
            Query(f"max by (model) (penstock_pool_usd_per_hour{OF_MODEL})", "{{model}}"),
            stacked=True,
        ),
        series(
            "GPU utilisation over an hour",
            "A GPU that stays under 30 % costs more than it gives: GpuIdle.",
            "percent",
            Query("instance_gpu:DCGM_FI_DEV_GPU_UTIL:avg1h", "{{instance}} {{gpu}}"),
            most=100,
        ),
    ],
    [MODEL],
    hours=24,
)
