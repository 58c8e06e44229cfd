"""What notification answers over HTTP and WebSocket."""
