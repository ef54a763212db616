# Who asks the host is led to the nearest region that is well. The region's own names lead here always.
data "aws_region" "here" {}

resource "aws_route53_record" "nearest" {
  zone_id         = var.zone_id
  name            = var.host
  type            = "A"
  set_identifier  = data.aws_region.here.name
  health_check_id = aws_route53_health_check.region.id
  latency_routing_policy { region = data.aws_region.here.name }
  alias {
    name                   = var.balancer_name
    zone_id                = var.balancer_zone_id
    evaluate_target_health = true
  }
}

resource "aws_route53_record" "own" {
  for_each = toset(["", "blue.", "green."])
  zone_id  = var.zone_id
  name     = "${each.key}${var.own_host}"
  type     = "A"
  alias {
    name                   = var.balancer_name
    zone_id                = var.balancer_zone_id
    evaluate_target_health = false
  }
}

resource "aws_route53_health_check" "region" {
  fqdn              = var.own_host
  type              = "HTTPS"
  port              = 443
  resource_path     = "/health/ready"
  request_interval  = 10
  failure_threshold = 3
  tags              = { Name = var.own_host }
}
