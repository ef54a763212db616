resource "aws_security_group" "api" {
  name        = "${var.name}-api"
  description = "The gateway's instances"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  security_group_id            = aws_security_group.api.id
  description                  = "The balancer"
  referenced_security_group_id = var.balancer_security_group
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_vpc_security_group_egress_rule" "inside" {
  for_each          = { replicas = 8000, redis = 6379 }
  security_group_id = aws_security_group.api.id
  description       = "To ${each.key}"
  cidr_ipv4         = var.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_egress_rule" "outside" {
  security_group_id = aws_security_group.api.id
  description       = "Clouds that answer when the pool cannot, and AWS's own services"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
