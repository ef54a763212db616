# A certificate for the host, the region's own name, and each colour's name before that.
data "aws_region" "here" {}

locals {
  own = "${data.aws_region.here.name}.${var.host}"
}

resource "aws_acm_certificate" "this" {
  domain_name               = var.host
  subject_alternative_names = [local.own, "*.${local.own}"]
  validation_method         = "DNS"
  lifecycle {
    create_before_destroy = true
  }
}

locals {
  proofs = { for each in aws_acm_certificate.this.domain_validation_options : each.domain_name => each }
}

resource "aws_route53_record" "proof" {
  for_each        = toset([var.host, local.own]) # the third shares the second's
  zone_id         = var.zone_id
  name            = local.proofs[each.key].resource_record_name
  type            = local.proofs[each.key].resource_record_type
  records         = [local.proofs[each.key].resource_record_value]
  ttl             = 300
  allow_overwrite = true # of the host's: each region's certificate proves itself by the same
}

resource "aws_acm_certificate_validation" "this" {
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [for record in aws_route53_record.proof : record.fqdn]
}
