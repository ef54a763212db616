# The gateway on Fargate: a service a colour. Terraform makes them; which version they run, and how many, is scripts/deploy's.
data "aws_region" "here" {}

locals {
  colours = toset(["blue", "green"])
  secrets = [["OPENAI_API_KEY", "openai_api_key"], ["PENSTOCK_API_KEYS", "api_keys"], ["PENSTOCK_OPERATOR_KEYS", "operator_keys"]]
}

resource "aws_ecs_cluster" "this" {
  name = var.name
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_service" "colour" {
  for_each                           = local.colours
  name                               = "penstock-${each.key}"
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.colour[each.key].arn
  launch_type                        = "FARGATE"
  desired_count                      = each.key == "blue" ? var.instances.min : 0 # green: until the first deploy
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 30
  propagate_tags                     = "SERVICE"
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    subnets         = var.subnets
    security_groups = [aws_security_group.api.id]
  }
  load_balancer {
    target_group_arn = var.target_groups[each.key]
    container_name   = "api"
    container_port   = 8080
  }
  lifecycle {
    ignore_changes = [task_definition, desired_count]
  }
}
