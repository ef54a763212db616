# Yours to change.
host            = "staging.penstock.example.com"
zone_id         = "Z0000000EXAMPLE"
registry_prefix = "acme/penstock"
release         = "0.1.0"
smoke_from      = ["203.0.113.10/32"]
emails          = ["on-call@example.com"]
