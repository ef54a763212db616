variable "host" {
  type        = string
  description = "The name that clients ask."
}

variable "zone_id" {
  type        = string
  description = "The hosted zone of that name."
}

variable "registry_prefix" {
  type        = string
  description = "What the images' names begin with, as acme/penstock."
}

variable "release" {
  type        = string
  description = "The version that services begin with, and that vLLM runs."
}

variable "smoke_from" {
  type        = list(string)
  description = "Addresses from which a deploy asks one colour by itself."
}

variable "emails" {
  type        = list(string)
  description = "Who hears of trouble and of costs."
}

variable "cache" {
  type        = object({ node_type = string, nodes = number })
  description = "Redis; null for none."
  default     = { node_type = "cache.t4g.small", nodes = 1 }
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
  description = "Replicas: see modules/gpu_pool/variables.tf. The 70B model wants 2 GPUs of p5."
  default = {
    model          = "llama-3.1-8b"
    weights        = "meta-llama/Llama-3.1-8B-Instruct"
    gpus           = 1
    instance_types = ["g6.2xlarge", "g5.2xlarge", "g6e.2xlarge"]
    cpu            = 6144
    memory_mib     = 26624
    min            = 1
    max            = 2
    steady         = 1
    warm           = 0
  }
}
