"""Whom our clients believe over TLS."""

import functools
import ssl

import httpx


@functools.cache
def trust() -> ssl.SSLContext:
    """Return the public authorities, or those of SSL_CERT_FILE, read once: each client's own reading takes 40 ms."""
    return httpx.create_ssl_context()
