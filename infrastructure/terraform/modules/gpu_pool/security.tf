# vLLM: from the gateways alone.
resource "aws_security_group" "vllm" {
  name        = "${var.name}-vllm"
  description = "Replicas of vLLM"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "gateways" {
  security_group_id            = aws_security_group.vllm.id
  description                  = "The gateway's instances"
  referenced_security_group_id = var.api_security_group
  ip_protocol                  = "tcp"
  from_port                    = 8000
  to_port                      = 8000
}

resource "aws_vpc_security_group_egress_rule" "vllm_models" {
  security_group_id            = aws_security_group.vllm.id
  description                  = "The weights"
  referenced_security_group_id = aws_security_group.models.id
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
}

resource "aws_vpc_security_group_egress_rule" "vllm_metrics" {
  security_group_id = aws_security_group.vllm.id
  description       = "Its metrics to CloudWatch; for the task models, the hub"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# The instances themselves: nobody comes in, out to ECS and the registry.
resource "aws_security_group" "instance" {
  name        = "${var.name}-gpu"
  description = "Instances with GPUs"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "instance" {
  security_group_id = aws_security_group.instance.id
  description       = "ECS and the registry"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_security_group" "models" {
  name        = "${var.name}-models"
  description = "The volume of weights"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "models" {
  security_group_id            = aws_security_group.models.id
  description                  = "Replicas"
  referenced_security_group_id = aws_security_group.vllm.id
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
}
