variable "images" {
  type        = set(string)
  description = "The repositories' names."
}

variable "key_arn" {
  type        = string
  description = "The key that encrypts them."
}

variable "protected" {
  type        = bool
  description = "A repository that holds images refuses to be destroyed."
}

variable "copies" {
  type        = set(string)
  description = "Regions that get a copy of every image."
  default     = []
}
