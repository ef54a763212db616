output "url" {
  value       = "rediss://${aws_elasticache_replication_group.this.primary_endpoint_address}:6379/0"
  description = "The gateway's setting `redis_url`."
}
