variable "host" {
  type        = string
  description = "The name that clients ask."
}

variable "own_host" {
  type        = string
  description = "The region's own name."
}

variable "zone_id" {
  type        = string
  description = "The hosted zone of both."
}

variable "balancer_name" {
  type        = string
  description = "The balancer's own name."
}

variable "balancer_zone_id" {
  type        = string
  description = "The zone of that name."
}
