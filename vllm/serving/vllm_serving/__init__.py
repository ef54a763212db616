"""What stands around `vllm serve` in the image: checks before it, a gate in it, a warm-up after. See vllm/serve.sh."""
