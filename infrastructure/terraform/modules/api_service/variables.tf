variable "name" {
  type        = string
  description = "What the cluster and the rest are called."
}

variable "unique_name" {
  type        = string
  description = "What roles are called, which all regions see."
}

variable "image" {
  type        = string
  description = "The gateway's image without its tag."
}

variable "version_first" {
  type        = string
  description = "The version that the services begin with; later ones are deployed."
}

variable "repository_arn" {
  type        = string
  description = "Where the image is pulled from."
}

variable "environment" {
  type        = map(string)
  description = "The gateway's settings."
}

variable "secret_arn" {
  type        = string
  description = "The secret with its keys."
}

variable "key_arn" {
  type        = string
  description = "The key that encrypts the secret."
}

variable "log_group" {
  type        = string
  description = "Where it logs."
}

variable "log_group_arn" {
  type        = string
  description = "The same, by ARN."
}

variable "vpc_id" {
  type        = string
  description = "The VPC."
}

variable "vpc_cidr" {
  type        = string
  description = "Its addresses."
}

variable "subnets" {
  type        = list(string)
  description = "Private subnets, one a zone."
}

variable "balancer_security_group" {
  type        = string
  description = "Whom it lets in."
}

variable "balancer_metric_names" {
  type        = object({ balancer = string, groups = map(string) })
  description = "What CloudWatch calls the balancer and its groups."
}

variable "target_groups" {
  type        = map(string)
  description = "By colour."
}

variable "instances" {
  type        = object({ min = number, max = number, requests_per_minute = number })
  description = "Of a colour that serves: how few, how many, and the requests a minute for each that call for more."
  validation {
    condition     = var.instances.min >= 2
    error_message = "One instance is in one zone."
  }
}
