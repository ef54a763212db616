variable "name" {
  type        = string
  description = "What things are called."
}

variable "unique_name" {
  type        = string
  description = "What roles are called, which all regions see."
}

variable "pool" {
  type = object({
    model          = string       # a file of vllm/models
    weights        = string       # its SERVE_MODEL, which the task `models` downloads
    gpus           = number       # its SERVE_GPUS
    instance_types = list(string) # the first for steady ones, any for spot
    cpu            = number       # units of a 1024th core
    memory_mib     = number
    min            = number # replicas
    max            = number
    steady         = number # of these, the first so many on demand
    warm           = number # stopped instances, ready to start
  })
  description = "Which model on which GPUs, and how many replicas."
  validation {
    condition     = var.pool.max <= 8
    error_message = "A name has eight addresses at most: more replicas would be seen by turns. Make a second pool, or a region."
  }
}

variable "image" {
  type        = string
  description = "vLLM's image without its tag."
}

variable "image_version" {
  type        = string
  description = "Its version."
}

variable "collector_image" {
  type        = string
  description = "The collector's image, with its tag."
}

variable "repository_arn" {
  type        = string
  description = "Where vLLM's image is pulled from."
}

variable "environment" {
  type        = map(string)
  description = "What of the model's settings (SERVE_...) is another here."
  default     = {}
}

variable "cluster" {
  type        = string
  description = "The cluster's name."
}

variable "cluster_id" {
  type        = string
  description = "The cluster's ARN."
}

variable "log_group" {
  type        = string
  description = "Where it logs."
}

variable "log_group_arn" {
  type        = string
  description = "The same, by ARN."
}

variable "key_arn" {
  type        = string
  description = "The key that encrypts the weights."
}

variable "vpc_id" {
  type        = string
  description = "The VPC."
}

variable "subnets" {
  type        = list(string)
  description = "Private subnets, one a zone."
}

variable "subnets_by_zone" {
  type        = map(string)
  description = "The same, by zone."
}

variable "api_security_group" {
  type        = string
  description = "Whom vLLM lets in."
}
