"""market over HTTP and WebSocket."""
