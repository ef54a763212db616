output "urls" {
  value       = { for name, repository in aws_ecr_repository.image : name => repository.repository_url }
  description = "Where each is pushed to and pulled from."
}

output "arns" {
  value       = { for name, repository in aws_ecr_repository.image : name => repository.arn }
  description = "The same, for those who may pull."
}
