data "aws_iam_policy_document" "assume" {
  for_each = { task = "ecs-tasks.amazonaws.com", instance = "ec2.amazonaws.com" }
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = [each.value]
    }
  }
}

# vLLM mounts its weights, and the collector beside it writes metrics.
resource "aws_iam_role" "task" {
  name               = "${var.unique_name}-vllm"
  assume_role_policy = data.aws_iam_policy_document.assume["task"].json
}

resource "aws_iam_role_policy" "task" {
  name   = "work"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}

data "aws_iam_policy_document" "task" {
  statement {
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    resources = [aws_efs_file_system.models.arn]
    condition {
      test     = "StringEquals"
      variable = "elasticfilesystem:AccessPointArn"
      values   = [aws_efs_access_point.models.arn]
    }
  }
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    resources = ["${var.log_group_arn}:*"]
  }
}

# What starts it pulls the image and opens the log.
resource "aws_iam_role" "execution" {
  name               = "${var.unique_name}-vllm-start"
  assume_role_policy = data.aws_iam_policy_document.assume["task"].json
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

data "aws_iam_policy_document" "execution" {
  statement {
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # it knows no other
  }
  statement {
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [var.repository_arn]
  }
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${var.log_group_arn}:*"]
  }
}

# The instances join the cluster, and start what it tells them to.
resource "aws_iam_role" "instance" {
  name               = "${var.unique_name}-gpu"
  assume_role_policy = data.aws_iam_policy_document.assume["instance"].json
}

resource "aws_iam_role_policy" "instance" {
  name   = "join"
  role   = aws_iam_role.instance.id
  policy = data.aws_iam_policy_document.instance.json
}

data "aws_iam_policy_document" "instance" {
  statement {
    actions   = ["ecs:DiscoverPollEndpoint"]
    resources = ["*"] # it knows no other
  }
  statement {
    actions = [
      "ecs:DeregisterContainerInstance",
      "ecs:RegisterContainerInstance",
      "ecs:SubmitAttachmentStateChanges",
      "ecs:SubmitContainerStateChange",
      "ecs:SubmitTaskStateChange",
    ]
    resources = [var.cluster_id]
  }
  statement {
    actions   = ["ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState"]
    resources = ["${replace(var.cluster_id, ":cluster/", ":container-instance/")}/*"]
  }
}

resource "aws_iam_instance_profile" "instance" {
  name = "${var.unique_name}-gpu"
  role = aws_iam_role.instance.name
}
