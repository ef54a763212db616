variable "name" {
  type        = string
  description = "What it is called."
}

variable "vpc_id" {
  type        = string
  description = "The VPC."
}

variable "subnets" {
  type        = list(string)
  description = "Private subnets, one a zone."
}

variable "api_security_group" {
  type        = string
  description = "Whom it lets in."
}

variable "node_type" {
  type        = string
  description = "The size of a node."
}

variable "nodes" {
  type        = number
  description = "One, or one and its stand-ins in other zones."
}

variable "key_arn" {
  type        = string
  description = "The key that encrypts it."
}
