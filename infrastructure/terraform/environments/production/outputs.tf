output "deploy" {
  value       = { eu-west-1 = module.first.deploy, us-east-1 = module.second.deploy }
  description = "By region, what scripts/deploy --platform ecs is told."
}

output "download" {
  value       = { eu-west-1 = module.first.download, us-east-1 = module.second.download }
  description = "By region, what run-task is told to download the model."
}
