# One region, small: one way out, one replica on demand, and a second on spot when it is wanted.
locals {
  environment = "staging"
}

provider "aws" {
  region = "eu-west-1"
  default_tags { tags = { project = "penstock", environment = local.environment } }
}

module "region" {
  source      = "../../region"
  environment = local.environment
  host        = var.host
  zone_id     = var.zone_id
  registry    = { prefix = var.registry_prefix }
  release     = var.release
  network     = { cidr = "10.40.0.0/16", zones = 2, one_exit = true }
  instances   = { min = 2, max = 4, requests_per_minute = 1500 }
  pool        = var.pool
  cache       = var.cache
  smoke_from  = var.smoke_from
  emails      = var.emails
  protected   = false
}

module "budget" {
  source        = "../../modules/budget"
  name          = "penstock-${local.environment}"
  environment   = local.environment
  usd_per_month = 2000
  emails        = var.emails
}
