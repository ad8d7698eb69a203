"""``/usage``: how much a folder holds."""

from __future__ import annotations

from tornado import web

from odhtec_jupyter.handlers.listing import ListingHandler


class UsageHandler(ListingHandler):
    """``/usage/:bucket``"""

    @web.authenticated
    async def get(self, bucket: str) -> None:
        """One step of counting what is below a prefix."""
        prefix = self.text("prefix")
        self.reply(
            await self.call(
                self.services.s3.usage,
                bucket,
                self.key(prefix) if prefix else "",
                token=self.continuation_token,
                step=self.step(),
            )
        )
