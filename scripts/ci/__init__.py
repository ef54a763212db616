"""What the steps of the pipelines do, as programs that need nothing but Python."""
