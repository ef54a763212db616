output "smoke_url" {
  value       = "https://{colour}.${var.own_host}"
  description = "One colour by itself: --smoke-url."
}
