variable "name" {
  type        = string
  description = "What things are called."
}

variable "logs_kept_days" {
  type        = number
  description = "How long logs are kept."
}

variable "key_arn" {
  type        = string
  description = "The key that encrypts them."
}

variable "emails" {
  type        = list(string)
  description = "Who hears of trouble. Each gets a letter first, and confirms."
}

variable "cluster" {
  type        = string
  description = "The cluster's name."
}

variable "balancer_metric_names" {
  type        = object({ balancer = string, groups = map(string) })
  description = "What CloudWatch calls the balancer and its groups."
}
