# What the whole may cost a month, by its tag; people hear of it before it is spent.
resource "aws_budgets_budget" "month" {
  name         = var.name
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = var.usd_per_month
  limit_unit   = "USD"
  cost_filter {
    name   = "TagKeyValue"
    values = ["user:environment$${var.environment}"]
  }
  dynamic "notification" {
    for_each = { half = [50, "ACTUAL"], most = [80, "ACTUAL"], foreseen = [100, "FORECASTED"], over = [100, "ACTUAL"] }
    content {
      comparison_operator        = "GREATER_THAN"
      threshold                  = notification.value[0]
      threshold_type             = "PERCENTAGE"
      notification_type          = notification.value[1]
      subscriber_email_addresses = var.emails
    }
  }
}
