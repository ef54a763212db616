"""Is it the machine, the edge, Redis, or what watches?"""

from dashboards.board import Board, Variable
from dashboards.panels import Panel, Query, series, stat

HOST = Variable("host", "Host", "label_values(node_cpu_seconds_total, instance)")
CHOSEN = 'instance=~"$host"'
FILES = f'{{{CHOSEN}, fstype!~"tmpfs|ramfs|squashfs|iso9660"}}'
FREE = f"node_filesystem_avail_bytes{FILES} / node_filesystem_size_bytes{FILES}"
RATE = "[$__rate_interval]"


def _node(title: str, says: str, unit: str, expr: str, most: float = 0) -> Panel:
    return series(title, says, unit, Query(expr, "{{instance}}"), most=most)


def _network(way: str) -> str:
    return f'sum by (instance) (rate(node_network_{way}_bytes_total{{{CHOSEN}, device!="lo"}}{RATE}))'


HOSTS = [
    _node(
        "CPU",
        "Share of the cores' time that is used.",
        "percentunit",
        f'1 - avg by (instance) (rate(node_cpu_seconds_total{{{CHOSEN}, mode="idle"}}{RATE}))',
        most=1,
    ),
    _node(
        "Memory",
        "Share of the memory that is used and cannot be given back.",
        "percentunit",
        f"1 - node_memory_MemAvailable_bytes{{{CHOSEN}}} / node_memory_MemTotal_bytes{{{CHOSEN}}}",
        most=1,
    ),
    series(
        "Disks",
        "Share of each file system that is used.",
        "percentunit",
        Query(f"1 - min by (instance, device) ({FREE})", "{{instance}} {{device}}"),
        most=1,
    ),
    series(
        "Network",
        "Bytes of all devices but the loopback.",
        "Bps",
        Query(_network("receive"), "{{instance}} received"),
        Query(_network("transmit"), "{{instance}} sent"),
    ),
    _node("Load", "Processes that run or wait for it, over 5 minutes.", "none", f"node_load5{{{CHOSEN}}}"),
    _node(
        "Killed for want of memory",
        "Processes that the kernel killed within 15 minutes: OutOfMemory.",
        "none",
        f"round(increase(node_vmstat_oom_kill{{{CHOSEN}}}[15m]))",
    ),
]

EDGE = [
    stat(
        "Certificate",
        "Time left of the certificate in use: CertificateEnding is a ticket below 14 days, a page below 2.",
        "s",
        Query("min(edge_certificate_expires_in_seconds)"),
        steps=((None, "red"), (2 * 86400, "yellow"), (14 * 86400, "green")),
    ).sized(8, 8),
    series(
        "Connections of clients",
        "By what they do; those that wait are idle.",
        "none",
        Query("sum by (state) (edge_connections)", "{{state}}"),
        stacked=True,
    ),
    series(
        "nginx",
        "Requests and new connections that nginx took, those of its own checks too.",
        "reqps",
        Query(f"sum(rate(nginx_http_requests_total{RATE}))", "requests"),
        Query(f"sum(rate(nginx_connections_accepted{RATE}))", "connections"),
    ),
]

REDIS = [
    stat(
        "Instances that reach Redis",
        "Share of the instances; the others go on from their own memory.",
        "percentunit",
        Query("avg(penstock_store_up)"),
        steps=((None, "red"), (1, "green")),
    ).sized(6, 8),
    series(
        "Commands",
        "What Redis does.",
        "ops",
        Query(f"sum by (instance) (rate(redis_commands_processed_total{RATE}))", "{{instance}}"),
    ).sized(6, 8),
    series(
        "Memory of Redis",
        "What it uses; 0 as the limit means none.",
        "bytes",
        Query("redis_memory_used_bytes", "{{instance}}"),
        Query("redis_memory_max_bytes", "allowed"),
    ).sized(6, 8),
    series(
        "Evicted keys",
        "Keys thrown out for want of memory: there should be none.",
        "ops",
        Query(f"sum by (instance) (rate(redis_evicted_keys_total{RATE}))", "{{instance}}"),
    ).sized(6, 8),
]

WATCHERS = [
    series(
        "Targets read",
        "Share of each job's targets; of the api's, half are the idle colour's slots.",
        "percentunit",
        Query("job:up:sum / job:up:count", "{{job}}"),
        most=1,
    ),
    series(
        "Time to read a target",
        "Of the slowest of each job; Prometheus gives up after 4 s.",
        "s",
        Query("max by (job) (scrape_duration_seconds)", "{{job}}"),
    ),
    series(
        "Notifications",
        "What Alertmanager sent within 10 minutes, and what it could not deliver.",
        "none",
        Query("sum(increase(alertmanager_notifications_total[10m]))", "sent"),
        Query("sum(increase(alertmanager_notifications_failed_total[10m]))", "failed"),
    ),
]

MACHINES = Board(
    "penstock-machines",
    "machines",
    "Is it the machine, the edge, Redis, or what watches?",
    [*HOSTS, "The edge", *EDGE, "Redis", *REDIS, "What watches", *WATCHERS],
    [HOST],
)
