resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "Who may come in, and to whom the balancer leads"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "anyone" {
  for_each          = { http = 80, https = 443 }
  security_group_id = aws_security_group.balancer.id
  description       = "Clients, by ${each.key}"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_egress_rule" "instances" {
  security_group_id = aws_security_group.balancer.id
  description       = "The gateway's instances"
  cidr_ipv4         = var.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = 8080
  to_port           = 8080
}

resource "aws_wafv2_web_acl" "this" {
  name        = var.name
  description = "Floods. What is in a prompt is data, however it looks: no rule reads bodies"
  scope       = "REGIONAL"
  default_action {
    allow {}
  }
  rule {
    name     = "flood"
    priority = 1
    action {
      block {}
    }
    statement {
      rate_based_statement {
        limit              = var.requests_per_5_min
        aggregate_key_type = "IP"
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "flood"
      sampled_requests_enabled   = false # they would be prompts and keys
    }
  }
  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = false
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  resource_arn = aws_lb.this.arn
  web_acl_arn  = aws_wafv2_web_acl.this.arn
}
