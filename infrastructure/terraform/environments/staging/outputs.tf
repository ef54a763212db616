output "deploy" {
  value       = module.region.deploy
  description = "What scripts/deploy --platform ecs is told."
}

output "download" {
  value       = module.region.download
  description = "What run-task is told to download the model."
}
