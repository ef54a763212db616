resource "aws_autoscaling_group" "steady" {
  name                  = "${var.name}-steady"
  min_size              = 0
  max_size              = var.pool.max
  vpc_zone_identifier   = var.subnets
  protect_from_scale_in = true # the capacity provider lifts it from what runs no task
  launch_template {
    id      = aws_launch_template.gpu.id
    version = aws_launch_template.gpu.latest_version
  }
  warm_pool { # with the image there, and no hour of GPU to pay
    pool_state                  = "Stopped"
    min_size                    = var.pool.warm
    max_group_prepared_capacity = var.pool.steady + var.pool.warm
    instance_reuse_policy { reuse_on_scale_in = true }
  }
  tag {
    key                 = "AmazonECSManaged"
    value               = "true"
    propagate_at_launch = true
  }
  lifecycle {
    ignore_changes = [desired_capacity]
  }
}

# No warm pool can be had with spot.
resource "aws_autoscaling_group" "spot" {
  name                  = "${var.name}-spot"
  min_size              = 0
  max_size              = var.pool.max
  vpc_zone_identifier   = var.subnets
  protect_from_scale_in = true
  capacity_rebalance    = true
  mixed_instances_policy {
    instances_distribution {
      on_demand_base_capacity                  = 0
      on_demand_percentage_above_base_capacity = 0
      spot_allocation_strategy                 = "price-capacity-optimized"
    }
    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.gpu.id
        version            = aws_launch_template.gpu.latest_version
      }
      dynamic "override" {
        for_each = var.pool.instance_types
        content {
          instance_type = override.value
        }
      }
    }
  }
  tag {
    key                 = "AmazonECSManaged"
    value               = "true"
    propagate_at_launch = true
  }
  lifecycle {
    ignore_changes = [desired_capacity]
  }
}
