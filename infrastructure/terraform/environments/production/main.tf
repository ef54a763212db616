# Two regions, each able to stand alone. What they share: the zone, the names in it, and the first one's images, copied.
locals {
  environment = "production"
  tags        = { project = "penstock", environment = local.environment }
}

provider "aws" {
  region = "eu-west-1"
  default_tags { tags = local.tags }
}

provider "aws" {
  alias  = "second"
  region = "us-east-1"
  default_tags { tags = local.tags }
}

module "first" {
  source      = "../../region"
  environment = local.environment
  host        = var.host
  zone_id     = var.zone_id
  registry    = { prefix = var.registry_prefix, copies = ["us-east-1"] }
  release     = var.release
  network     = { cidr = "10.50.0.0/16", zones = 3, one_exit = false }
  instances   = { min = 3, max = 12, requests_per_minute = 1500 }
  pool        = var.pool
  cache       = var.cache
  smoke_from  = var.smoke_from
  emails      = var.emails
  protected   = true
}

module "second" {
  source      = "../../region"
  providers   = { aws = aws.second }
  environment = local.environment
  host        = var.host
  zone_id     = var.zone_id
  registry    = { prefix = var.registry_prefix }
  release     = var.release
  network     = { cidr = "10.60.0.0/16", zones = 3, one_exit = false }
  instances   = { min = 3, max = 12, requests_per_minute = 1500 }
  pool        = var.pool
  cache       = var.cache
  smoke_from  = var.smoke_from
  emails      = var.emails
  protected   = true
}

module "budget" {
  source        = "../../modules/budget"
  name          = "penstock-${local.environment}"
  environment   = local.environment
  usd_per_month = 20000
  emails        = var.emails
}
