variable "host" {
  type        = string
  description = "The name that clients ask."
}

variable "zone_id" {
  type        = string
  description = "The hosted zone of that name."
}
