# As many as keep the queue short and the KV caches from filling up; of the two the larger number.
locals {
  wanted = {
    queue = { metric = "vllm_num_requests_waiting", target = 4 }
    cache = { metric = "vllm_kv_cache_usage_perc", target = 0.7 }
  }
}

resource "aws_appautoscaling_target" "vllm" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.cluster}/${aws_ecs_service.vllm.name}"
  min_capacity       = var.pool.min
  max_capacity       = var.pool.max
}

resource "aws_appautoscaling_policy" "vllm" {
  for_each           = local.wanted
  name               = each.key
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.vllm.service_namespace
  scalable_dimension = aws_appautoscaling_target.vllm.scalable_dimension
  resource_id        = aws_appautoscaling_target.vllm.resource_id
  target_tracking_scaling_policy_configuration {
    target_value       = each.value.target
    scale_out_cooldown = 60
    scale_in_cooldown  = 900 # a new one loads for minutes, so none is given up for a lull
    customized_metric_specification {
      namespace   = "Penstock"
      metric_name = each.value.metric
      statistic   = "Average"
      dimensions {
        name  = "pool"
        value = var.name
      }
    }
  }
}
