# Redis for what the instances tell each other. It keeps nothing that a request needs, and no request waits for it.
resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnets
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id       = var.name
  description                = "Marks of the gateways: broken, probed, drained, used up"
  engine                     = "redis"
  engine_version             = "7.1"
  node_type                  = var.node_type
  num_cache_clusters         = var.nodes
  automatic_failover_enabled = var.nodes > 1
  multi_az_enabled           = var.nodes > 1
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [aws_security_group.cache.id]
  transit_encryption_enabled = true
  at_rest_encryption_enabled = true
  kms_key_id                 = var.key_arn
  apply_immediately          = true
}

resource "aws_security_group" "cache" {
  name        = "${var.name}-cache"
  description = "Redis"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "api" {
  security_group_id            = aws_security_group.cache.id
  description                  = "The gateway's instances"
  referenced_security_group_id = var.api_security_group
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
}
