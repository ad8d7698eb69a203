from __future__ import annotations

import threading

import pytest

from odhtec_jupyter.errors import BadRequest, OdhTecError, TooManyRequests, Unreachable
from odhtec_jupyter.transfers.runtime import retry
from odhtec_jupyter.transfers.runtime.retry import CancelToken, OperationCancelled, Retries


def test_delay_doubles_up_to_the_limit() -> None:
    retries = Retries(20)
    delays = [retries.delay(Unreachable("x")) for _ in range(19)]
    for number, seconds in enumerate(delays):
        longest = min(retry.FIRST_DELAY_SECONDS * 2**number, retry.MAX_DELAY_SECONDS)
        assert longest / 2 <= seconds <= longest


def test_last_failure_is_raised() -> None:
    retries, error = Retries(3), Unreachable("x")
    retries.delay(error)
    retries.delay(error)
    with pytest.raises(Unreachable) as raised:
        retries.delay(error)
    assert raised.value is error


def test_progress_starts_the_count_again() -> None:
    retries = Retries(2)
    for _ in range(5):
        retries.delay(Unreachable("x"))
        retries.reset()


def test_error_that_is_not_transient_is_raised_immediately() -> None:
    with pytest.raises(BadRequest):
        Retries().delay(BadRequest("x"))


@pytest.mark.parametrize(("retry_after", "seconds"), [(7.0, 7.0), (3600.0, retry.MAX_DELAY_SECONDS)])
def test_retry_after_of_the_server_is_the_delay(retry_after: float, seconds: float) -> None:
    assert Retries().delay(rate_limit(retry_after)) == seconds


def test_error_that_asks_for_too_long_a_delay_is_raised() -> None:
    assert Retries(max_delay=10.0).delay(rate_limit(9.0)) == 9.0
    with pytest.raises(TooManyRequests):
        Retries(max_delay=10.0).delay(rate_limit(11.0))


def test_cancellation_ends_the_wait() -> None:
    stop, ended = CancelToken(), threading.Event()

    def wait() -> None:
        with pytest.raises(OperationCancelled):
            Retries().wait(rate_limit(60.0), stop)
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    stop.set()
    thread.join()
    assert ended.is_set()


async def test_sleep_raises_the_last_failure() -> None:
    retries = Retries(1)
    with pytest.raises(Unreachable):
        await retries.sleep(Unreachable("x"))


def rate_limit(seconds: float) -> OdhTecError:
    error = TooManyRequests("x")
    error.retry_after = seconds
    return error
