output "deploy" {
  value = {
    cluster   = module.api_service.cluster
    rule_arn  = module.balancer.rule_arn
    smoke_url = module.names.smoke_url
    image     = module.registry.urls[local.images.api]
  }
  description = "What scripts/deploy --platform ecs is told."
}

output "secret_arn" {
  value       = module.secrets.arn
  description = "Where the keys are put."
}

output "download" {
  value       = merge(module.gpu_pool.download, { cluster = module.api_service.cluster })
  description = "What run-task is told to download the model."
}

output "topic_arn" {
  value       = module.observability.topic_arn
  description = "Where trouble is told."
}
