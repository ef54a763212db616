output "log_groups" {
  value       = { for name, group in aws_cloudwatch_log_group.service : name => { name = group.name, arn = group.arn } }
  description = "By service."
}

output "topic_arn" {
  value       = aws_sns_topic.trouble.arn
  description = "Where trouble is told."
}
