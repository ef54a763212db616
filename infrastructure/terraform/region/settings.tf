# The gateway's settings: one variable of the environment for each line of penstock.yaml, lists and maps as JSON.
locals {
  told     = yamldecode(templatefile("${path.module}/penstock.yaml", { replicas = "vllm.${local.name}.internal" }))
  settings = { for name, value in local.told : "PENSTOCK_${upper(name)}" => try(tostring(value), jsonencode(value)) }
}
