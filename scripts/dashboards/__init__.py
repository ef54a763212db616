"""Grafana's dashboards as code: `scripts/make_dashboards` writes them to monitoring/grafana/dashboards."""
