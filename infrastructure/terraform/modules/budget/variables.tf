variable "name" {
  type        = string
  description = "What it is called."
}

variable "environment" {
  type        = string
  description = "The value of the tag `environment`."
}

variable "usd_per_month" {
  type        = number
  description = "The plan."
}

variable "emails" {
  type        = list(string)
  description = "Who hears of it."
}
