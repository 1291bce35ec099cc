"""Notices over HTTP, signed as the Standard Webhooks specification says.

    webhook-id: the notice's id, the same in every try
    webhook-timestamp: seconds since 1970, of this try
    webhook-signature: "v1," and HMAC-SHA256 of "id.timestamp.body" in base64, one a key

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from base64 import b64encode
from typing import TYPE_CHECKING

import httpx2

from contextd.errors import DeliveryFailed, DeliveryRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.couriers.targets import Target
    from contextd.ports import Clock, Notice

# The client logs every URL at INFO, and a URL may hold a token.
logging.getLogger("httpx2").setLevel(logging.WARNING)
logging.getLogger("httpcore2").setLevel(logging.WARNING)

GONE = 410
"""The receiver has been taken down for good."""

MOST_CONNECTIONS = 16


class WebhookCourier:
    """Posts each notice to its tenant's URL; follows no redirect, reads no body."""

    def __init__(self, targets: Mapping[str, Target], clock: Clock, *, timeout: float) -> None:
        """Post to *targets*, by tenant ("" for all others); *timeout* bounds one delivery."""
        self._targets = targets
        self._clock = clock
        self._timeout = timeout
        self._client = httpx2.AsyncClient(
            timeout=timeout,
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=MOST_CONNECTIONS, keepalive_expiry=30.0),
        )

    def wanted(self, tenant_id: str) -> bool:
        """Say whether the tenant has a target."""
        return self._target(tenant_id) is not None

    async def deliver(self, notice: Notice) -> None:
        """Post it; any 2xx says that it was taken."""
        target = self._target(notice.tenant_id)
        if target is None:
            raise DeliveryRefused("the tenant has no webhook any more")
        try:
            async with asyncio.timeout(self._timeout):
                status = await self._post(target, notice)
        except (TimeoutError, httpx2.TimeoutException):
            raise DeliveryFailed("no answer in time") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, RuntimeError) as error:
            # The type alone: the words of a transport error may quote the URL.
            raise DeliveryFailed(type(error).__name__) from None
        if status == GONE:
            raise DeliveryRefused(f"HTTP {status}")
        if not httpx2.codes.is_success(status):
            raise DeliveryFailed(f"HTTP {status}")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _target(self, tenant_id: str) -> Target | None:
        return self._targets.get(tenant_id) or self._targets.get("")

    async def _post(self, target: Target, notice: Notice) -> int:
        stamp = str(self._clock() // 1_000_000)
        signed = f"{notice.notice_id}.{stamp}.".encode() + notice.body
        headers = {
            "content-type": "application/json",
            "user-agent": "contextd",
            "webhook-id": notice.notice_id,
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join(_signature(key, signed) for key in target.keys),
        }
        posting = self._client.stream("POST", target.url, content=notice.body, headers=headers)
        async with posting as response:
            return response.status_code


def _signature(key: bytes, signed: bytes) -> str:
    return "v1," + b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
