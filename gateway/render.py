"""Writes the gateway's configuration into a folder of its own, from which nginx runs as root or as anyone."""

import os
import pwd
import re
import shutil
import stat
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path

HERE = Path(__file__).parent
SERVICES = ("auth", "trading", "market", "backtest", "broker", "notification")
HTTPS_PORT_DEFAULT = 443
EVERYWHERE = "0.0.0.0"  # noqa: S104 - compared with, not listened on
# Idle connections to a service are closed by us, before the service would (uvicorn: 5 s): a request never meets a
# connection that is just being closed.
UPSTREAM = """upstream {name} {{
    {zone}server {address}{resolve};
    keepalive 64;
    keepalive_timeout 4s;
}}
"""
# Docker's name server; where another one answers (podman), the container's entry point replaces resolver.conf.
RESOLVER = "resolver 127.0.0.11 valid=10s ipv6=off;\n"
SWAGGER_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")
WORKER_USERS = ("www-data", "nginx", "nobody")


# tidy: allow parameters because these are the differences between machines, each given by name and used once
def render(  # noqa: PLR0913 - one parameter per thing that differs between machines, all by name
    target: Path,
    *,
    https_port: int,
    http_port: int,
    upstreams: dict[str, str],
    certificate: Path,
    key: Path,
    keys_file: Path,
    module_path: str | None,
    log_dir: Path | None,
    web_root: Path | None,
    listen_address: str = "127.0.0.1",
    allowed: Sequence[str] = (),
) -> Path:
    """Write everything nginx needs below `target` and return the path of its nginx.conf.

    Args:
        target: a folder for the gateway alone; what an earlier call wrote there is replaced.
        https_port: the public port.
        http_port: the plain port, which only redirects pages and refuses programs.
        upstreams: each service's name and `host:port`. A host that is a name needs nginx 1.27.3 or newer, which
            looks it up again and again and starts without it.
        certificate: PEM, with its chain.
        key: PEM, of the certificate.
        keys_file: the public keys of access tokens, `{kid: base64 of the SPKI DER}`; nginx reads it when it (re)loads.
        module_path: ngx_http_js_module.so, or None where nginx has it built in.
        log_dir: receives gateway-access.log and gateway-error.log; None where whoever started nginx keeps what it says.
        web_root: the built web client, or None for the plain landing page.
        listen_address: 0.0.0.0 opens the gateway to other machines.
        allowed: addresses and networks that may come in, beside this machine; everybody, when none is named.

    Raises:
        ValueError: when `upstreams` does not name exactly the six services, `allowed` holds something else than
            networks, or nginx.conf cannot hold a value.
    """
    if set(upstreams) != set(SERVICES):
        raise ValueError(f"upstreams must name {', '.join(SERVICES)}; it names {', '.join(upstreams) or 'none'}")
    target = target.resolve()
    _make_folders(target, log_dir)
    _copy_static(target / "html")
    page_root = target / "html" if web_root is None else web_root.resolve()
    values = {
        "load_module": f'load_module "{module_path}";' if module_path else "",
        "user": _user_directive(page_root, target),
        "target": str(target),
        "access_log": str(log_dir.resolve() / "gateway-access.log") if log_dir else "/dev/stdout",
        "error_log": str(log_dir.resolve() / "gateway-error.log") if log_dir else "stderr",
        "keys_file": str(keys_file.resolve()),
        "certificate": str(certificate.resolve()),
        "key": str(key.resolve()),
        "listen_address": listen_address,
        "own_address": "127.0.0.1" if listen_address == EVERYWHERE else listen_address,
        "https_port": str(https_port),
        "http_port": str(http_port),
        "https_suffix": "" if https_port == HTTPS_PORT_DEFAULT else f":{https_port}",
        "web_root": str(page_root),
        "web_fallback": "=404" if web_root is None else "/index.html",
    }
    for source in sorted(HERE.glob("**/*.conf")) + sorted((HERE / "njs").glob("*.js")):
        _write(target / source.relative_to(HERE), _filled(source.read_text(), values))
    _write(target / "upstreams.conf", _upstreams(upstreams))
    _write(target / "resolver.conf", RESOLVER)
    _write(target / "allowed.conf", _allowed(allowed))
    return target / "nginx.conf"


def _make_folders(target: Path, log_dir: Path | None) -> None:
    for folder in ("snippets", "routes", "njs"):
        shutil.rmtree(target / folder, ignore_errors=True)
    for folder in ("snippets", "routes", "njs", "temp"):
        (target / folder).mkdir(parents=True, exist_ok=True)
    if log_dir is not None:
        log_dir.mkdir(parents=True, exist_ok=True)


def _copy_static(html: Path) -> None:
    shutil.rmtree(html, ignore_errors=True)
    shutil.copytree(HERE / "html", html)
    found = find_spec("fastapi_offline")
    if found is None or found.origin is None:
        raise ValueError("fastapi-offline, which brings the files of /docs, is not installed")
    for name in SWAGGER_FILES:
        shutil.copyfile(Path(found.origin).parent / "static" / name, html / "docs" / name)
    for path in (html.parent, html, *html.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _filled(template: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: _checked(match[1], values[match[1]]), template)


def _checked(name: str, value: str) -> str:
    if name not in {"load_module", "user"} and re.search(r'["$\\;{}\n]', value):
        raise ValueError(f"{name} holds a character that nginx.conf cannot: {value!r}")
    return value


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o644)


def _upstreams(upstreams: Mapping[str, str]) -> str:
    blocks = []
    names_used = False
    for service in SERVICES:
        address = upstreams[service]
        if not re.fullmatch(r"[A-Za-z0-9_.\-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}", address):
            raise ValueError(f"the upstream of {service} must be host:port, not {address!r}")
        by_name = not _is_address(address)
        names_used |= by_name
        zone = f"zone {service} 64k;\n    " if by_name else ""
        blocks.append(UPSTREAM.format(name=service, address=address, zone=zone, resolve=" resolve" if by_name else ""))
    return ("include resolver.conf;\n" if names_used else "") + "".join(blocks)


def _allowed(networks: Sequence[str]) -> str:
    """Who comes from elsewhere than what is allowed; this machine asks itself how it is."""
    named = [f"    {ip_network(network)} 0;\n" for network in networks]
    return f"geo $is_from_elsewhere {{\n    default {int(bool(named))};\n    127.0.0.0/8 0;\n{''.join(named)}}}\n"


def _is_address(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _user_directive(*folders: Path) -> str:
    """Name the user of the worker processes, which need not be root even where nginx was started by root."""
    if os.geteuid() != 0:
        return ""
    reachable = all(parent.stat().st_mode & stat.S_IXOTH for folder in folders for parent in (folder, *folder.parents))
    known = {entry.pw_name for entry in pwd.getpwall()}
    name = next((user for user in WORKER_USERS if user in known), None)
    # Below /root nobody else could read the pages.
    return f"user {name if reachable and name else 'root'};"
