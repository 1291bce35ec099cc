from __future__ import annotations

import asyncio
import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest

from contextd.couriers import open_courier
from contextd.couriers.targets import Target, signing_keys
from contextd.errors import ConfigInvalid, DeliveryFailed, DeliveryRefused
from contextd.ports import Notice
from contextd.testing.fakes import FakeClock
from tests.couriers.receiver import CUT, HANG, TWICE, desk

KEYS = (b"k" * 32, b"o" * 24)
NOTICE = Notice("handoff-1:4", "acme", 5, b'{"type":"handoff.raised"}')


def deliver(url: str, *notices: Notice, timeout: float = 20.0) -> None:
    """Deliver *notices* to *url*, for the tenant acme."""

    async def main() -> None:
        courier = open_courier({"acme": Target(url, KEYS)}, FakeClock(), timeout=timeout)
        try:
            for each in notices:
                await courier.deliver(each)
        finally:
            await courier.aclose()
            await courier.aclose()

    asyncio.run(main())


def test_what_is_sent_can_be_verified() -> None:
    """Id, time and body are signed with every key; the receiver needs one of them."""
    with desk() as receiver:
        deliver(receiver.url, NOTICE)
    ((headers, body),) = receiver.received
    assert body == NOTICE.body
    assert headers["webhook-id"] == NOTICE.notice_id
    assert headers["content-type"] == "application/json"
    stamp = headers["webhook-timestamp"]
    assert int(stamp) == FakeClock().now // 1_000_000
    signed = f"{NOTICE.notice_id}.{stamp}.".encode() + body
    for key, signature in zip(KEYS, headers["webhook-signature"].split(), strict=True):
        version, _, value = signature.partition(",")
        assert version == "v1"
        assert b64decode(value) == hmac.digest(key, signed, hashlib.sha256)


@pytest.mark.parametrize("answer", [200, 201, 204, TWICE])
def test_a_notice_that_was_taken(answer: int) -> None:
    """Any 2xx will do, and one that comes twice does not spoil the next one."""
    with desk(answer) as receiver:
        deliver(receiver.url, NOTICE, NOTICE)
    assert len(receiver.received) == 2


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (301, "HTTP 301"),
        (307, "HTTP 307"),
        (400, "HTTP 400"),
        (404, "HTTP 404"),
        (429, "HTTP 429"),
        (500, "HTTP 500"),
        (CUT, "Error"),
    ],
)
def test_a_notice_that_was_not_taken(answer: int, why: str) -> None:
    """It may be another time; a redirect is not followed, and no error shows where it went."""
    with desk(answer) as receiver, pytest.raises(DeliveryFailed, match=why) as caught:
        deliver(receiver.url, NOTICE)
    assert len(receiver.received) == 1
    assert receiver.url not in str(caught.value)


def test_a_receiver_that_hangs_is_given_up() -> None:
    """No longer than the time for one delivery."""
    with desk(HANG) as receiver, pytest.raises(DeliveryFailed, match="in time"):
        deliver(receiver.url, NOTICE, timeout=0.3)


def test_nobody_listens() -> None:
    """A port without a listener is a failure like another."""
    with desk() as receiver:
        url = receiver.url
    with pytest.raises(DeliveryFailed):
        deliver(url, NOTICE)


def test_a_receiver_that_is_gone_is_not_asked_again() -> None:
    """410 says so, and so does a tenant without a target."""
    with desk(410) as receiver:
        with pytest.raises(DeliveryRefused):
            deliver(receiver.url, NOTICE)
        with pytest.raises(DeliveryRefused):
            deliver(receiver.url, Notice("n", "another tenant", 5, b"{}"))
    assert len(receiver.received) == 1


def test_secrets() -> None:
    """One a line, with their prefix, of a length that can be trusted; never shown."""
    good = "whsec_" + b64encode(KEYS[0]).decode()
    assert signing_keys(f"{good}\n\n  whsec_{b64encode(KEYS[1]).decode()}\n") == KEYS
    assert b64encode(KEYS[0]).decode() not in repr(Target("http://x/", KEYS))
    for bad in ("", "whsec_", good[6:], "whsec_" + b64encode(b"short").decode(), "whsec_%%%%"):
        with pytest.raises(ConfigInvalid) as caught:
            signing_keys(bad)
        assert bad in ("", "whsec_") or bad not in str(caught.value)
