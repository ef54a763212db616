data "aws_region" "here" {}

resource "aws_ecs_task_definition" "vllm" {
  family                   = "${var.name}-vllm"
  requires_compatibilities = ["EC2"]
  network_mode             = "awsvpc"
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  skip_destroy             = true
  container_definitions    = jsonencode([local.vllm, local.collector])
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
}

locals {
  environment = merge({ SERVE_NAME = "chat", SERVE_DRAIN_S = "100", HF_HUB_OFFLINE = "1" }, var.environment)
  logs = {
    logDriver = "awslogs"
    options   = { awslogs-group = var.log_group, awslogs-region = data.aws_region.here.name, awslogs-stream-prefix = "vllm" }
  }
  alive = "import socket as s; c = s.create_connection(('127.0.0.1', 8000), 4); c.sendall(b'GET /health HTTP/1.1\\r\\nhost: me\\r\\n\\r\\n'); raise SystemExit(c.recv(12) != b'HTTP/1.1 200')"
  vllm = {
    name                   = "vllm"
    image                  = "${var.image}:${var.image_version}"
    command                = [var.pool.model]
    essential              = true
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    cpu                    = var.pool.cpu
    memory                 = var.pool.memory_mib
    resourceRequirements   = [{ type = "GPU", value = tostring(var.pool.gpus) }]
    linuxParameters = {
      capabilities     = { drop = ["ALL"] }
      sharedMemorySize = 8192
      tmpfs            = [{ containerPath = "/tmp", size = 4096, mountOptions = ["mode=1777", "exec"] }] # kernels are loaded from there
    }
    stopTimeout  = 120 # SERVE_DRAIN_S and a little more
    portMappings = [{ containerPort = 8000, hostPort = 8000, protocol = "tcp" }]
    environment  = [for name in sort(keys(local.environment)) : { name = name, value = local.environment[name] }]
    mountPoints  = [{ sourceVolume = "models", containerPath = "/cache", readOnly = false }]
    # Loading is not dead: 300 s in which nothing counts, then ten minutes. One that cannot start ends by itself.
    healthCheck      = { command = ["CMD", "python3", "-I", "-S", "-c", local.alive], interval = 60, timeout = 10, retries = 10, startPeriod = 300 }
    logConfiguration = local.logs
  }
}
