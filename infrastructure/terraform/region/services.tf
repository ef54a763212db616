# What runs: gateways, replicas, and Redis between the gateways.
module "api_service" {
  source                  = "../modules/api_service"
  name                    = local.name
  unique_name             = local.unique_name
  image                   = module.registry.urls[local.images.api]
  version_first           = var.release
  repository_arn          = module.registry.arns[local.images.api]
  environment             = merge(local.settings, var.cache == null ? {} : { PENSTOCK_REDIS_URL = module.cache[0].url })
  secret_arn              = module.secrets.arn
  key_arn                 = module.secrets.key_arn
  log_group               = module.observability.log_groups.api.name
  log_group_arn           = module.observability.log_groups.api.arn
  vpc_id                  = module.network.vpc_id
  vpc_cidr                = module.network.cidr
  subnets                 = module.network.private_subnets
  balancer_security_group = module.balancer.security_group
  balancer_metric_names   = module.balancer.metric_names
  target_groups           = module.balancer.target_groups
  instances               = var.instances
}

module "gpu_pool" {
  source             = "../modules/gpu_pool"
  name               = local.name
  unique_name        = local.unique_name
  pool               = var.pool
  image              = module.registry.urls[local.images.vllm]
  image_version      = var.release
  collector_image    = var.collector_image
  repository_arn     = module.registry.arns[local.images.vllm]
  cluster            = module.api_service.cluster
  cluster_id         = module.api_service.cluster_id
  log_group          = module.observability.log_groups.vllm.name
  log_group_arn      = module.observability.log_groups.vllm.arn
  key_arn            = module.secrets.key_arn
  vpc_id             = module.network.vpc_id
  subnets            = module.network.private_subnets
  subnets_by_zone    = module.network.private_subnets_by_zone
  api_security_group = module.api_service.security_group
}

module "cache" {
  count              = var.cache == null ? 0 : 1
  source             = "../modules/cache"
  name               = local.name
  vpc_id             = module.network.vpc_id
  subnets            = module.network.private_subnets
  api_security_group = module.api_service.security_group
  node_type          = var.cache.node_type
  nodes              = var.cache.nodes
  key_arn            = module.secrets.key_arn
}
