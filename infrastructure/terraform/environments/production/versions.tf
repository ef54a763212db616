terraform {
  required_version = "~> 1.11"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.100" }
  }
  backend "s3" { # its bucket: terraform init -backend-config=bucket=...
    key          = "penstock/production"
    region       = "eu-west-1"
    encrypt      = true
    use_lockfile = true
  }
}
