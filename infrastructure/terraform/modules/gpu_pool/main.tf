# vLLM on GPUs: tasks of ECS on instances of two groups. `steady` is on demand, with stopped instances kept warm; `spot` is
# cheaper and may be taken away. What the tasks need decides how many instances there are.
data "aws_ssm_parameter" "ami" {
  name = "/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id"
}

locals {
  groups = { steady = aws_autoscaling_group.steady, spot = aws_autoscaling_group.spot }
}

resource "aws_launch_template" "gpu" {
  name_prefix            = "${var.name}-gpu-"
  image_id               = data.aws_ssm_parameter.ami.insecure_value
  instance_type          = var.pool.instance_types[0]
  update_default_version = true
  vpc_security_group_ids = [aws_security_group.instance.id]
  iam_instance_profile { arn = aws_iam_instance_profile.instance.arn }
  user_data = base64encode(<<-EOT
    #!/bin/bash
    cat >>/etc/ecs/ecs.config <<'SETTINGS'
    ECS_CLUSTER=${var.cluster}
    ECS_ENABLE_GPU_SUPPORT=true
    ECS_ENABLE_SPOT_INSTANCE_DRAINING=true
    ECS_WARM_POOLS_CHECK=true
    ECS_IMAGE_PULL_BEHAVIOR=prefer-cached
    ECS_AWSVPC_BLOCK_IMDS=true
    SETTINGS
  EOT
  )
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_type = "gp3"
      volume_size = 200 # vLLM's image is some 20 GB, and two versions lie side by side
      encrypted   = true
    }
  }
  monitoring { enabled = true }
  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "${var.name}-gpu" }
  }
}

resource "aws_ecs_capacity_provider" "group" {
  for_each = local.groups
  name     = "${var.name}-${each.key}"
  auto_scaling_group_provider {
    auto_scaling_group_arn         = each.value.arn
    managed_termination_protection = "ENABLED"
    managed_draining               = "ENABLED"
    managed_scaling {
      status          = "ENABLED"
      target_capacity = 100
    }
  }
}

resource "aws_ecs_cluster_capacity_providers" "all" {
  cluster_name       = var.cluster
  capacity_providers = concat(["FARGATE"], [for provider in aws_ecs_capacity_provider.group : provider.name])
}
