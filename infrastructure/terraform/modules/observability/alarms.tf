# The few that wake somebody. What is finer is for Prometheus: docs/alerts.md.
locals {
  alarms = {
    nobody-up = {
      means   = "No instance of either colour is ready: clients get 503."
      expr    = "MAX([blue, green])"
      below   = 1
      periods = 2
      missing = "breaching"
      needs   = { blue = local.groups.blue.up, green = local.groups.green.up }
    }
    errors = {
      means   = "More than 5 % of the requests get a 5xx."
      expr    = "IF(all > 20, 100 * (FILL(target, 0) + FILL(own, 0)) / all, 0)"
      above   = 5
      periods = 3
      missing = "notBreaching"
      needs   = { all = local.balancer.all, target = local.balancer.target, own = local.balancer.own }
    }
    queue = {
      means   = "More than 10 requests wait at each replica, for ten minutes."
      expr    = "waiting"
      above   = 10
      periods = 10
      missing = "notBreaching"
      needs   = { waiting = { namespace = "Penstock", name = "vllm_num_requests_waiting", stat = "Average", dimensions = { pool = var.name } } }
    }
    no-replica = {
      means   = "No replica runs: clouds answer, or nobody."
      expr    = "running"
      below   = 1
      periods = 5
      missing = "breaching"
      needs   = { running = { namespace = "ECS/ContainerInsights", name = "RunningTaskCount", stat = "Minimum", dimensions = { ClusterName = var.cluster, ServiceName = "vllm" } } }
    }
  }
  groups = {
    for colour, group in var.balancer_metric_names.groups : colour => {
      up = { namespace = "AWS/ApplicationELB", name = "HealthyHostCount", stat = "Minimum", dimensions = { LoadBalancer = var.balancer_metric_names.balancer, TargetGroup = group } }
    }
  }
  balancer = {
    for each, name in { all = "RequestCount", target = "HTTPCode_Target_5XX_Count", own = "HTTPCode_ELB_5XX_Count" } : each => {
      namespace             = "AWS/ApplicationELB", name = name, stat = "Sum", dimensions = { LoadBalancer = var.balancer_metric_names.balancer }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "trouble" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.means
  comparison_operator = can(each.value.above) ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = try(each.value.above, each.value.below)
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.trouble.arn]
  ok_actions          = [aws_sns_topic.trouble.arn]
  metric_query {
    id          = "judged"
    expression  = each.value.expr
    label       = each.key
    return_data = true
  }
  dynamic "metric_query" {
    for_each = each.value.needs
    content {
      id = metric_query.key
      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        stat        = metric_query.value.stat
        period      = 60
        dimensions  = metric_query.value.dimensions
      }
    }
  }
}
