# Where logs go and how long they stay, and who hears of trouble.
resource "aws_cloudwatch_log_group" "service" {
  for_each          = toset(["api", "vllm"])
  name              = "/penstock/${var.name}/${each.key}"
  retention_in_days = var.logs_kept_days
  kms_key_id        = var.key_arn
}

resource "aws_sns_topic" "trouble" {
  name              = "${var.name}-trouble"
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_subscription" "people" {
  for_each  = toset(var.emails)
  topic_arn = aws_sns_topic.trouble.arn
  protocol  = "email"
  endpoint  = each.key
}
