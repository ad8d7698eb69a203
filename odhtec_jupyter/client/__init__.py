"""What runs in the kernel: speaks HTTP to the Jupyter server, and holds no key of a store."""

from __future__ import annotations

from odhtec_jupyter.client.client import Client
from odhtec_jupyter.client.listing import Entry, Listing
from odhtec_jupyter.client.transfer import Transfer

__all__ = ["Client", "Entry", "Listing", "Transfer"]
