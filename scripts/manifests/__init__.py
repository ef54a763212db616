"""What runs in a Kubernetes cluster: rendered, compared, applied."""
