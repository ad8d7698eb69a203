"""Replies on raw connections."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.waiting import GIVE_UP_SECONDS


async def reply_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, Any]]:
    """Return status and body of the JSON reply on a raw connection."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length")
        )
        return int(head.split()[1]), json.loads(await reader.readexactly(length))
