resource "aws_lb_listener_rule" "shares" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 20
  condition {
    path_pattern { values = ["/v1/*", "/health/*", "/openapi.json"] } # the smoke test reads the last
  }
  action {
    type = "forward"
    forward {
      target_group {
        arn    = aws_lb_target_group.colour["blue"].arn
        weight = 100
      }
      target_group {
        arn    = aws_lb_target_group.colour["green"].arn
        weight = 0
      }
    }
  }
  tags = { Name = "${var.name}-shares" }
  lifecycle {
    ignore_changes = [action] # the weights are the deploys'
  }
}

# A colour by itself, for the smoke test of what gets no requests yet, and from known addresses only.
resource "aws_lb_listener_rule" "colour" {
  for_each     = aws_lb_target_group.colour
  listener_arn = aws_lb_listener.https.arn
  priority     = each.key == "blue" ? 10 : 11
  condition {
    host_header { values = ["${each.key}.${var.host}"] }
  }
  condition {
    source_ip { values = var.smoke_from }
  }
  action {
    type             = "forward"
    target_group_arn = each.value.arn
  }
  tags = { Name = "${var.name}-${each.key}" }
}
