"""Requests over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.request
from base64 import b64encode


def basic(user: str) -> dict[str, str]:
    """The header of HTTP's basic authentication for ``name:password``; none for nobody."""
    return {"Authorization": f"Basic {b64encode(user.encode()).decode()}"} if user else {}


def get(port: int, path: str, user: str = "", method: str = "GET") -> tuple[int, str]:
    """The status and the text of an answer."""
    asking = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=basic(user), method=method)
    try:
        with urllib.request.urlopen(asking, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
