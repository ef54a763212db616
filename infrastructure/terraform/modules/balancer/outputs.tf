output "dns_name" {
  value       = aws_lb.this.dns_name
  description = "The balancer's own name."
}

output "zone_id" {
  value       = aws_lb.this.zone_id
  description = "The zone of that name, for aliases."
}

output "security_group" {
  value       = aws_security_group.balancer.id
  description = "Whom the instances let in."
}

output "target_groups" {
  value       = { for colour, group in aws_lb_target_group.colour : colour => group.arn }
  description = "By colour."
}

output "rule_arn" {
  value       = aws_lb_listener_rule.shares.arn
  description = "The rule that scripts/deploy sets: --rule-arn."
}

output "metric_names" {
  value = {
    balancer = aws_lb.this.arn_suffix
    groups   = { for colour, group in aws_lb_target_group.colour : colour => group.arn_suffix }
  }
  description = "What CloudWatch calls them."
}
