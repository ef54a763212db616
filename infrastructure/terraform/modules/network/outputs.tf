output "vpc_id" {
  value       = aws_vpc.this.id
  description = "The VPC."
}

output "cidr" {
  value       = aws_vpc.this.cidr_block
  description = "Its addresses."
}

output "public_subnets" {
  value       = [for zone in local.zones : aws_subnet.public[zone].id]
  description = "For the balancer alone."
}

output "private_subnets" {
  value       = [for zone in local.zones : aws_subnet.private[zone].id]
  description = "For everything else."
}

output "private_subnets_by_zone" {
  value       = { for zone in local.zones : zone => aws_subnet.private[zone].id }
  description = "The same, by zone."
}
