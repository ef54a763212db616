# Beside each vLLM: reads its metrics, and tells CloudWatch the two that the pool grows by.
locals {
  collector = {
    name                   = "collector"
    image                  = var.collector_image
    essential              = false
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    cpu                    = 128
    memory                 = 256
    linuxParameters        = { capabilities = { drop = ["ALL"] } }
    environment            = [{ name = "AOT_CONFIG_CONTENT", value = local.collecting }]
    dependsOn              = [{ containerName = "vllm", condition = "START" }]
    logConfiguration       = local.logs
  }
  collecting = yamlencode({
    receivers = { prometheus = { config = { scrape_configs = [{
      job_name        = "vllm"
      scrape_interval = "15s"
      static_configs  = [{ targets = ["127.0.0.1:8000"] }]
      metric_relabel_configs = [
        { action = "keep", source_labels = ["__name__"], regex = "vllm:(num_requests_waiting|kv_cache_usage_perc)" },
        { action = "replace", source_labels = ["__name__"], regex = "vllm:(.*)", target_label = "__name__", replacement = "vllm_$$1" },
        { action = "replace", target_label = "pool", replacement = var.name },
      ]
    }] } } }
    exporters = { awsemf = {
      namespace                        = "Penstock"
      log_group_name                   = var.log_group
      log_stream_name                  = "metrics/{TaskId}"
      dimension_rollup_option          = "NoDimensionRollup"
      resource_to_telemetry_conversion = { enabled = false }
      metric_declarations              = [{ dimensions = [["pool"]], metric_name_selectors = ["vllm_.*"] }]
    } }
    service = { pipelines = { metrics = { receivers = ["prometheus"], exporters = ["awsemf"] } } }
  })
}
