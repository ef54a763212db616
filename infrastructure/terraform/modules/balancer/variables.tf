variable "name" {
  type        = string
  description = "What things are called, 26 letters at most."
}

variable "unique_name" {
  type        = string
  description = "What the bucket is called, which all regions see."
}

variable "host" {
  type        = string
  description = "The name that clients ask."
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
  description = "Public subnets, one a zone."
}

variable "certificate_arn" {
  type        = string
  description = "For the host and the names before it."
}

variable "longest_stream_s" {
  type        = number
  description = "How long a call may take: a leaving instance is given this and ten seconds."
}

variable "smoke_from" {
  type        = list(string)
  description = "Addresses that may ask one colour by itself."
}

variable "requests_per_5_min" {
  type        = number
  description = "Requests from one address beyond which it is turned away."
}

variable "logs_kept_days" {
  type        = number
  description = "How long access logs are kept."
}

variable "protected" {
  type        = bool
  description = "Refuse to be destroyed."
}
