# Who asked, in lines that AWS writes.
data "aws_caller_identity" "me" {}
data "aws_elb_service_account" "here" {}

resource "aws_s3_bucket" "access" {
  bucket        = "${var.unique_name}-access-${data.aws_caller_identity.me.account_id}"
  force_destroy = !var.protected
}

resource "aws_s3_bucket_public_access_block" "access" {
  bucket                  = aws_s3_bucket.access.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "access" {
  bucket = aws_s3_bucket.access.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "AES256" } # the only one that a balancer can write with
  }
}

resource "aws_s3_bucket_versioning" "access" {
  bucket = aws_s3_bucket.access.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_lifecycle_configuration" "access" {
  bucket = aws_s3_bucket.access.id
  rule {
    id     = "kept"
    status = "Enabled"
    filter {}
    expiration { days = var.logs_kept_days }
    noncurrent_version_expiration { noncurrent_days = 1 }
    abort_incomplete_multipart_upload { days_after_initiation = 1 }
  }
}

resource "aws_s3_bucket_policy" "access" {
  bucket     = aws_s3_bucket.access.id
  policy     = data.aws_iam_policy_document.access.json
  depends_on = [aws_s3_bucket_public_access_block.access]
}

data "aws_iam_policy_document" "access" {
  statement {
    sid       = "BalancersWrite"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.access.arn}/AWSLogs/${data.aws_caller_identity.me.account_id}/*"]
    principals {
      type        = "AWS"
      identifiers = [data.aws_elb_service_account.here.arn]
    }
  }
  statement {
    sid       = "EncryptedOnTheWay"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.access.arn, "${aws_s3_bucket.access.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}
