# The way in: TLS, and a rule whose weights split the requests between the colours. `scripts/deploy` sets the weights.
resource "aws_lb" "this" {
  name                       = var.name
  load_balancer_type         = "application"
  subnets                    = var.subnets
  security_groups            = [aws_security_group.balancer.id]
  idle_timeout               = var.longest_stream_s + 10
  drop_invalid_header_fields = true
  enable_deletion_protection = var.protected
  access_logs {
    bucket  = aws_s3_bucket.access.id
    enabled = true
  }
  depends_on = [aws_s3_bucket_policy.access]
}

resource "aws_lb_target_group" "colour" {
  for_each                      = toset(["blue", "green"])
  name                          = "${var.name}-${each.key}"
  vpc_id                        = var.vpc_id
  target_type                   = "ip"
  port                          = 8080
  protocol                      = "HTTP" # inside the VPC, and from the balancer alone
  deregistration_delay          = var.longest_stream_s + 10
  load_balancing_algorithm_type = "least_outstanding_requests"
  health_check {
    path                = "/health/ready"
    interval            = 5
    timeout             = 2
    healthy_threshold   = 2
    unhealthy_threshold = 2
    matcher             = "200"
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn
  default_action { # /admin, /metrics and the status page stay inside
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      message_body = "Nothing is here."
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"
  default_action {
    type = "redirect"
    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}
