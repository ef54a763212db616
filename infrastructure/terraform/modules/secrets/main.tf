# One secret, a JSON object: api_keys, operator_keys, openai_api_key. People put its value there; no state ever holds it.
# And the key that encrypts it, the logs, the weights and the images.
data "aws_caller_identity" "me" {}
data "aws_region" "here" {}

resource "aws_kms_key" "all" {
  description             = "${var.name}: secrets, logs, weights, images"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "all" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.all.key_id
}

data "aws_iam_policy_document" "key" {
  statement {
    sid       = "AccountByItsRoles"
    actions   = ["kms:*"]
    resources = ["*"] # of this key: a key's policy speaks of nothing else
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.me.account_id}:root"]
    }
  }
  statement {
    sid       = "LogsAndAlarms"
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["logs.${data.aws_region.here.name}.amazonaws.com", "cloudwatch.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.me.account_id]
    }
  }
}

resource "aws_secretsmanager_secret" "keys" {
  name       = var.name
  kms_key_id = aws_kms_key.all.arn
}
