"""What is done for each trading day: one module for each pipeline, and the runner that owns them."""
