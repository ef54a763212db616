variable "name" {
  type        = string
  description = "What the secret is called, and the key's alias."
}
