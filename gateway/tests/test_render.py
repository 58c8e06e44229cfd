"""What render writes, and what it refuses to write."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from kit.testing.issuer import Issuer

from gateway.render import SERVICES, render
from gateway.tests.credentials import make_certificate
from gateway.tests.edge import MODULE

UPSTREAMS = {name: f"127.0.0.1:{18101 + position}" for position, name in enumerate(SERVICES)}


def arguments(folder: Path, **changed: Any) -> dict[str, Any]:
    certificate, key = make_certificate(folder)
    keys_file = folder / "keys.json"
    keys_file.write_text(str(Issuer.new().public_keys()).replace("'", '"'))
    given: dict[str, Any] = {
        "https_port": 18443,
        "http_port": 18080,
        "upstreams": UPSTREAMS,
        "certificate": certificate,
        "key": key,
        "keys_file": keys_file,
        "module_path": MODULE,
        "log_dir": folder / "log",
        "web_root": None,
    }
    return given | changed


def test_what_is_written_lies_below_the_target_and_nginx_accepts_it_twice(tmp_path: Path) -> None:
    for _ in range(2):
        config = render(tmp_path / "gateway", **arguments(tmp_path))
        assert config == tmp_path / "gateway" / "nginx.conf"
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        assert nginx is not None
        checked = subprocess.run(
            [nginx, "-t", "-e", "stderr", "-c", config], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stderr
        assert "warn" not in checked.stderr
    for path in (tmp_path / "gateway").rglob("*.conf"):
        assert "{{" not in path.read_text(), path.name


def test_without_a_folder_for_logs_nginx_says_them_to_whoever_started_it(tmp_path: Path) -> None:
    written = render(tmp_path / "gateway", **arguments(tmp_path, log_dir=None)).read_text()
    assert '\nerror_log "stderr" warn;' in written
    assert '\n    access_log "/dev/stdout" exodus ' in written


def test_services_known_by_name_are_looked_up_again_and_again(tmp_path: Path) -> None:
    named = {name: f"{name}:8000" for name in SERVICES}
    config = render(tmp_path / "gateway", **arguments(tmp_path, upstreams=named))
    written = (config.parent / "upstreams.conf").read_text()
    assert written.startswith("include resolver.conf;")
    assert (config.parent / "resolver.conf").read_text().startswith("resolver 127.0.0.11 ")
    assert "server trading:8000 resolve;" in written
    assert "zone trading 64k;" in written


def test_the_standard_port_is_not_repeated_in_redirects(tmp_path: Path) -> None:
    config = render(tmp_path / "gateway", **arguments(tmp_path, https_port=443))
    assert "return 301 https://$host$request_uri;" in config.read_text()


@pytest.mark.parametrize(
    "changed",
    [
        {"upstreams": {}},
        {"allowed": ["192.0.2.0/24", "my house"]},
        {"upstreams": UPSTREAMS | {"extra": "127.0.0.1:1"}},
        {"upstreams": UPSTREAMS | {"auth": "127.0.0.1"}},
        {"upstreams": UPSTREAMS | {"auth": "127.0.0.1:1; } evil"}},
        {"log_dir": Path('/tmp/a"b')},
        {"listen_address": "0.0.0.0; evil"},
    ],
)
def test_what_would_not_be_a_configuration_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"upstream|character|network"):
        render(tmp_path / "gateway", **arguments(tmp_path, **changed))
