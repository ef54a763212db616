# The weights and the compiled kernels, for all replicas: no replica asks a hub when it starts. The task `models` fills it.
resource "aws_efs_file_system" "models" {
  encrypted       = true
  kms_key_id      = var.key_arn
  throughput_mode = "elastic"
  tags            = { Name = "${var.name}-models" }
}

resource "aws_efs_access_point" "models" {
  file_system_id = aws_efs_file_system.models.id
  posix_user {
    uid = 65532
    gid = 65532
  }
  root_directory {
    path = "/cache"
    creation_info {
      owner_uid   = 65532
      owner_gid   = 65532
      permissions = "0750"
    }
  }
}

resource "aws_efs_mount_target" "models" {
  for_each        = var.subnets_by_zone
  file_system_id  = aws_efs_file_system.models.id
  subnet_id       = each.value
  security_groups = [aws_security_group.models.id]
}

# Run once for each model: `hf download`, on Fargate. See docs/aws.md.
resource "aws_ecs_task_definition" "models" {
  family                   = "${var.name}-models"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 4096
  memory                   = 16384
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  ephemeral_storage { size_in_gib = 60 } # for the image
  volume {
    name = "models"
    efs_volume_configuration {
      file_system_id     = aws_efs_file_system.models.id
      transit_encryption = "ENABLED"
      authorization_config {
        access_point_id = aws_efs_access_point.models.id
        iam             = "ENABLED"
      }
    }
  }
  container_definitions = jsonencode([{
    name                   = "download"
    image                  = "${var.image}:${var.image_version}"
    entryPoint             = ["hf", "download"]
    command                = [var.pool.weights]
    essential              = true
    memory                 = 16384
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { drop = ["ALL"] } }
    environment            = [{ name = "TMPDIR", value = "/cache" }]
    mountPoints            = local.vllm.mountPoints
    logConfiguration       = local.logs
  }])
}
