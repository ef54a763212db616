output "service" {
  value       = aws_ecs_service.vllm.name
  description = "The service of the replicas."
}

output "download" {
  value = {
    task            = aws_ecs_task_definition.models.family
    security_groups = [aws_security_group.vllm.id]
    subnets         = var.subnets
  }
  description = "What run-task needs to download the model."
}
