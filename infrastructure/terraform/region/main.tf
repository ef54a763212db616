# The whole in one region, able to stand alone. The modules know nothing of each other: here they meet.
data "aws_region" "here" {}

locals {
  name        = "penstock-${var.environment}"
  unique_name = "${local.name}-${data.aws_region.here.name}"
  longest_s   = 120 # timeouts.total_s of penstock.yaml

  # Those of build.yml; what runs here is of api and vllm.
  images = { for each in ["acme", "api", "edge", "vllm"] : each => "${var.registry.prefix}-${each}" }
}

module "secrets" {
  source = "../modules/secrets"
  name   = local.name
}

module "registry" {
  source    = "../modules/registry"
  images    = values(local.images)
  key_arn   = module.secrets.key_arn
  copies    = var.registry.copies
  protected = var.protected
}

module "network" {
  source         = "../modules/network"
  name           = local.name
  unique_name    = local.unique_name
  cidr           = var.network.cidr
  zones          = var.network.zones
  one_exit       = var.network.one_exit
  logs_kept_days = var.logs_kept_days
  key_arn        = module.secrets.key_arn
}

module "dns_tls" {
  source  = "../modules/dns_tls"
  host    = var.host
  zone_id = var.zone_id
}

module "balancer" {
  source             = "../modules/balancer"
  name               = local.name
  unique_name        = local.unique_name
  host               = module.dns_tls.own_host
  vpc_id             = module.network.vpc_id
  vpc_cidr           = module.network.cidr
  subnets            = module.network.public_subnets
  certificate_arn    = module.dns_tls.certificate_arn
  longest_stream_s   = local.longest_s
  smoke_from         = var.smoke_from
  requests_per_5_min = var.requests_per_5_min
  logs_kept_days     = var.logs_kept_days
  protected          = var.protected
}

module "names" {
  source           = "../modules/names"
  host             = var.host
  own_host         = module.dns_tls.own_host
  zone_id          = var.zone_id
  balancer_name    = module.balancer.dns_name
  balancer_zone_id = module.balancer.zone_id
}

module "observability" {
  source                = "../modules/observability"
  name                  = local.name
  logs_kept_days        = var.logs_kept_days
  key_arn               = module.secrets.key_arn
  emails                = var.emails
  cluster               = local.name
  balancer_metric_names = module.balancer.metric_names
}
