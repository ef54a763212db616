variable "name" {
  type        = string
  description = "What things are called."
}

variable "unique_name" {
  type        = string
  description = "What roles are called, which all regions see."
}

variable "cidr" {
  type        = string
  description = "The VPC's addresses, a /16."
}

variable "zones" {
  type        = number
  description = "Over how many zones."
  validation {
    condition     = var.zones >= 2
    error_message = "One zone is no zone to spare."
  }
}

variable "one_exit" {
  type        = bool
  description = "One NAT gateway for all zones: cheaper, and one zone's trouble is everyone's."
}

variable "logs_kept_days" {
  type        = number
  description = "How long flow logs are kept."
}

variable "key_arn" {
  type        = string
  description = "The key that encrypts them."
}
