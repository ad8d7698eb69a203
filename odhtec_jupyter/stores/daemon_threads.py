"""Threads for blocking calls that do not delay the end of the process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from contextvars import Context, copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads(Executor):
    """A pool of threads. A call runs in the context of its submitter, so that the same stop ends it.

    When Python exits, it waits for every thread of a ThreadPoolExecutor, even for one that waits for a store.
    """

    def __init__(
        self,
        max_workers: int,
        *,
        thread_name_prefix: str,
        initializer: Callable[[], object] = lambda: None,
        max_replaced: int = 0,
    ) -> None:
        """``max_replaced``: the threads beyond ``max_workers`` for :meth:`replaced`."""
        self._max_workers = max_workers
        self._max_replaced = max_replaced
        self._name = thread_name_prefix
        self._initializer = initializer
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Future[Any], Context, Callable[[], Any]]] = deque()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._replaced = 0
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call when a thread is free. Raises ``RuntimeError`` after :meth:`shutdown`."""
        future: Future[T] = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("These threads have been shut down.")
            self._waiting.append((future, copy_context(), partial(fn, *args, **kwargs)))
            try:
                self._add_thread()
            except RuntimeError:
                self._waiting.pop()
                raise
            self._changed.notify()
        return future

    @contextmanager
    def replaced(self) -> Iterator[None]:
        """Let another thread run calls while the calling thread waits."""
        with self._changed:
            self._replaced += 1
            self._add_thread()
        try:
            yield
        finally:
            with self._changed:
                self._replaced -= 1

    def _add_thread(self) -> None:
        """Start a thread for a waiting call if there may be another one. Raises ``RuntimeError`` if there is none."""
        most = self._max_workers + min(self._replaced, self._max_replaced)
        if self._idle >= len(self._waiting) or len(self._threads) >= most:
            return
        thread = threading.Thread(target=self._work, name=f"{self._name}_{len(self._threads)}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the container can be out of threads
            if not self._threads:
                raise
        else:
            self._threads.append(thread)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more calls. With ``wait``, return when the threads have ended."""
        with self._changed:
            self._closed = True
            cancelled = list(self._waiting) if cancel_futures else []
            if cancel_futures:
                self._waiting.clear()
            self._changed.notify_all()
        for future, _, _ in cancelled:
            future.cancel()
        if wait:
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        self._initializer()
        while self._run_next():
            pass

    def _run_next(self) -> bool:
        """Run one call; False if there is none and the pool is shut down. No reference to the call is kept."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._waiting or self._closed)
            self._idle -= 1
            if not self._waiting:
                return False
            future, context, call = self._waiting.popleft()
        if not future.set_running_or_notify_cancel():
            return True
        try:
            result = context.run(call)
        except BaseException as error:  # raised to the submitter
            future.set_exception(error)
        else:
            future.set_result(result)
        return True
