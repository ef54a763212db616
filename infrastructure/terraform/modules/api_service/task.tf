resource "aws_ecs_task_definition" "colour" {
  for_each                 = local.colours
  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 1024 # one process, so one core
  memory                   = 2048
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  skip_destroy             = true # a service may still run the one before
  container_definitions    = jsonencode([local.api])
}

locals {
  api = {
    name                   = "api"
    image                  = "${var.image}:${var.version_first}"
    essential              = true
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { drop = ["ALL"] }, initProcessEnabled = false }
    stopTimeout            = 120 # the most that Fargate gives; the balancer has drained it before
    portMappings           = [{ containerPort = 8080, hostPort = 8080, protocol = "tcp" }]
    environment            = [for name in sort(keys(var.environment)) : { name = name, value = var.environment[name] }]
    secrets                = [for each in local.secrets : { name = each[0], valueFrom = "${var.secret_arn}:${each[1]}::" }]
    healthCheck = {
      command     = ["CMD", "/opt/penstock/bin/python", "-I", "-S", "-c", local.alive]
      interval    = 10
      timeout     = 5
      retries     = 3
      startPeriod = 30
    }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = var.log_group
        awslogs-region        = data.aws_region.here.name
        awslogs-stream-prefix = "api"
      }
    }
  }
  alive = "import socket as s; c = s.create_connection(('127.0.0.1', 8080), 2); c.sendall(b'GET /health/live HTTP/1.1\\r\\nhost: me\\r\\n\\r\\n'); raise SystemExit(c.recv(12) != b'HTTP/1.1 200')"
}
