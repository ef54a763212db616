variable "environment" {
  type        = string
  description = "staging or production: the tag by which costs are told apart."
}

variable "host" {
  type        = string
  description = "The name that clients ask."
}

variable "zone_id" {
  type        = string
  description = "The hosted zone of that name."
}

variable "registry" {
  type        = object({ prefix = string, copies = optional(set(string), []) })
  description = "What the images' names begin with, as owner/penstock, and the regions that get copies."
}

variable "release" {
  type        = string
  description = "The version that services begin with, and that vLLM runs."
}

variable "network" {
  type        = object({ cidr = string, zones = number, one_exit = bool })
  description = "The addresses, a /16; over how many zones; one way out for all of them."
}

variable "instances" {
  type        = object({ min = number, max = number, requests_per_minute = number })
  description = "Gateways of a colour that serves."
}

variable "pool" {
  type = object({
    model          = string
    weights        = string
    gpus           = number
    instance_types = list(string)
    cpu            = number
    memory_mib     = number
    min            = number
    max            = number
    steady         = number
    warm           = number
  })
  description = "Replicas: see modules/gpu_pool/variables.tf."
}

variable "cache" {
  type        = object({ node_type = string, nodes = number })
  description = "Redis; null for none, and each gateway works from its own memory."
  default     = null
}

variable "collector_image" {
  type        = string
  description = "What brings vLLM's metrics to CloudWatch."
  default     = "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3"
}

variable "smoke_from" {
  type        = list(string)
  description = "Addresses from which a deploy asks one colour by itself."
}

variable "requests_per_5_min" {
  type        = number
  description = "Requests from one address beyond which it is turned away."
  default     = 20000
}

variable "emails" {
  type        = list(string)
  description = "Who hears of trouble."
}

variable "logs_kept_days" {
  type        = number
  description = "How long logs are kept."
  default     = 365
}

variable "protected" {
  type        = bool
  description = "The balancer, its logs and the images refuse to be destroyed."
}
