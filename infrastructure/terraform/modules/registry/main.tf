# Images, scanned when they come. Another region gets copies, and so needs this one for nothing.
data "aws_caller_identity" "me" {}

resource "aws_ecr_repository" "image" {
  for_each             = var.images
  name                 = each.value
  image_tag_mutability = "MUTABLE" # `latest`, `1.2` and the cache of build.yml move
  force_delete         = !var.protected
  image_scanning_configuration { scan_on_push = true }
  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.key_arn
  }
}

resource "aws_ecr_lifecycle_policy" "image" {
  for_each   = aws_ecr_repository.image
  repository = each.value.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "those that no deploy can go back to any more"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 100 }
      action       = { type = "expire" }
    }]
  })
}

resource "aws_ecr_replication_configuration" "copies" {
  count = length(var.copies) > 0 ? 1 : 0
  replication_configuration {
    rule {
      dynamic "destination" {
        for_each = var.copies
        content {
          region      = destination.value
          registry_id = data.aws_caller_identity.me.account_id
        }
      }
    }
  }
}
