# A VPC over several zones: public subnets for the balancer and the way out, private ones for everything else.
data "aws_availability_zones" "all" {
  state = "available"
}

locals {
  zones = slice(data.aws_availability_zones.all.names, 0, var.zones)
  exits = toset(var.one_exit ? slice(local.zones, 0, 1) : local.zones)
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_hostnames = true # names of replicas
  tags                 = { Name = var.name }
}

resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id # without a rule: nothing may lean on it
}

resource "aws_subnet" "public" {
  for_each          = toset(local.zones)
  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr, 8, index(local.zones, each.key))
  tags              = { Name = "${var.name}-public-${each.key}" }
}

resource "aws_subnet" "private" {
  for_each          = toset(local.zones)
  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr, 4, 1 + index(local.zones, each.key))
  tags              = { Name = "${var.name}-private-${each.key}" }
}
