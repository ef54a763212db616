output "arn" {
  value       = aws_secretsmanager_secret.keys.arn
  description = "The secret."
}

output "key_arn" {
  value       = aws_kms_key.all.arn
  description = "The key that encrypts everything that is kept."
}
