"""Every response carries the headers that hold the browser back."""

import re

import httpx
import pytest
from chassis.server.security_headers import inline_script_hashes
from chassis.testing.servers import Server

from .conftest import OFFICE


@pytest.mark.parametrize("path", ["/", "/livez", "/nonsense.js", "/_stcore/health", "/favicon.png"])
def test_each_answer_has_the_headers(server: Server, path: str) -> None:
    headers = httpx.get(server.url + path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert "default-src 'none'" in headers["content-security-policy"]


def test_the_policy_allows_exactly_the_inline_scripts_of_the_page(server: Server) -> None:
    response = httpx.get(server.url)
    policy = response.headers["content-security-policy"]
    script_src = next(part for part in policy.split("; ") if part.startswith("script-src "))
    assert re.findall(r"'sha256-[^']+'", script_src) == inline_script_hashes()
    assert len(inline_script_hashes()) == len(re.findall(r"<script(?![^>]*src=)", response.text))
    assert "unsafe-inline" not in script_src
    assert "'unsafe-eval'" not in script_src


def test_components_may_be_framed_and_have_inline_scripts(server: Server) -> None:
    policy = httpx.get(f"{server.url}/component/any/index.html").headers["content-security-policy"]
    assert "script-src 'self' 'unsafe-inline'" in policy
    assert "frame-ancestors 'self'" in policy


def test_plain_http_gets_no_https_only_headers(server: Server) -> None:
    response = httpx.get(f"{server.url}/_stcore/health")
    assert "strict-transport-security" not in response.headers
    assert "; Secure" not in response.headers["set-cookie"]


def test_cookies_are_secure_behind_https(guarded_server: Server) -> None:
    # Streamlit would not: behind a proxy it sees plain HTTP.
    headers = {"Host": "tool.example.com", "X-Forwarded-For": OFFICE}
    response = httpx.get(f"{guarded_server.url}/team/_stcore/health", headers=headers)
    assert "_streamlit_xsrf" in response.headers["set-cookie"]
    assert response.headers["set-cookie"].endswith("; Secure")
    assert response.headers["strict-transport-security"].startswith("max-age=63072000")
