output "cluster" {
  value       = aws_ecs_cluster.this.name
  description = "The cluster: --cluster."
}

output "cluster_id" {
  value       = aws_ecs_cluster.this.id
  description = "The same, by ARN."
}

output "services" {
  value       = { for colour, service in aws_ecs_service.colour : colour => service.name }
  description = "By colour."
}

output "security_group" {
  value       = aws_security_group.api.id
  description = "Whom replicas and Redis let in."
}
