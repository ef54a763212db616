# The first tasks on steady instances, the others on spot. Each is an address of the name that the gateways follow.
resource "aws_ecs_service" "vllm" {
  name                               = "vllm"
  cluster                            = var.cluster_id
  task_definition                    = aws_ecs_task_definition.vllm.arn
  desired_count                      = var.pool.min
  deployment_minimum_healthy_percent = var.pool.min > 1 ? 50 : 0
  deployment_maximum_percent         = 100 # no GPU is free for one more
  propagate_tags                     = "SERVICE"
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  capacity_provider_strategy {
    capacity_provider = aws_ecs_capacity_provider.group["steady"].name
    base              = var.pool.steady
    weight            = 0
  }
  capacity_provider_strategy {
    capacity_provider = aws_ecs_capacity_provider.group["spot"].name
    weight            = 1
  }
  ordered_placement_strategy {
    type  = "spread"
    field = "attribute:ecs.availability-zone"
  }
  network_configuration {
    subnets         = var.subnets
    security_groups = [aws_security_group.vllm.id]
  }
  service_registries { registry_arn = aws_service_discovery_service.vllm.arn }
  lifecycle {
    ignore_changes = [desired_count]
  }
  depends_on = [aws_ecs_cluster_capacity_providers.all, aws_efs_mount_target.models]
}

resource "aws_service_discovery_private_dns_namespace" "this" {
  name        = "${var.name}.internal"
  description = "Names of replicas"
  vpc         = var.vpc_id
}

resource "aws_service_discovery_service" "vllm" {
  name = "vllm"
  dns_config {
    namespace_id   = aws_service_discovery_private_dns_namespace.this.id
    routing_policy = "MULTIVALUE" # with eight addresses at most
    dns_records {
      type = "A"
      ttl  = 5
    }
  }
  health_check_custom_config {
    failure_threshold = 1
  }
  force_destroy = true
}
