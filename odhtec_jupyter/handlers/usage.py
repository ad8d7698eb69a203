"""``/usage``: the size of a folder."""

from __future__ import annotations

from tornado import web

from odhtec_jupyter.handlers.listing import ListingHandler


class UsageHandler(ListingHandler):
    """``/usage/:bucket``"""

    @web.authenticated
    async def get(self, bucket: str) -> None:
        """Count what is below a prefix, in one step."""
        prefix = self.text("prefix")
        self.reply(
            await self.call(
                self.store.usage,
                bucket,
                self.key(prefix) if prefix else "",
                token=self.continuation_token,
                step=self.step(),
            )
        )
