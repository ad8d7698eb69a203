"""Settings of what transfers may use, and of what is kept between starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir
from traitlets import Int, Unicode, default, validate

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.settings.group import SettingsGroup
from odhtec_jupyter.settings.values import env

MIB = 1024 * 1024
MIN_MEMORY = 32 * MIB  # two parts for uploads and two for everything else: with less, transfers could block each other
DEFAULT_TRANSFERS, MAX_TRANSFERS = 2, 64
# Bytes per second. With half of the first, the buffers of the operating system hold several minutes of an upload, and
# the panel takes the connection for a broken one.
MIN_BANDWIDTH, MAX_BANDWIDTH = 100_000, 10**12


class LimitTraits(SettingsGroup):
    """How much the transfers of a server may use, and how long finished and unfinished ones are kept."""

    max_concurrent_transfers = Int(
        help="Number of files of more than 8 MiB that all transfers together move at the same time, from 1 to 64. "
        "Environment variable: MAX_CONCURRENT_TRANSFERS. Default: 2."
    ).tag(config=True)
    max_small_files = Int(
        64,
        min=1,
        max=256,
        help="Highest number of smaller files, of up to 8 MiB, that are copied at the same time from or to one store "
        "or hub. The server starts with 16, uses more while that is faster, and fewer when the store is overloaded.",
    ).tag(config=True)
    max_bandwidth = Int(
        help="Bytes per second that all transfers, uploads and downloads together move, from 100000; 0 for no limit. "
        "Copies within a store, lists and previews are not limited. Environment variable: MAX_BANDWIDTH. Default: 0."
    ).tag(config=True)
    max_memory = Int(
        64 * MIB,
        help="Memory in bytes for the data of all running transfers together. At least 32 MiB.",
    ).tag(config=True)
    state_dir = Unicode(
        help="Folder for the state that is kept between starts: transfers and unfinished uploads, without secrets. "
        "Only its owner can read it. Default: odhtec in Jupyter's data folder."
    ).tag(config=True)
    keep_finished_days = Int(
        7,
        min=0,
        help="Number of days that finished transfers stay in the list. The uploaded parts of failed transfers are kept "
        "as long.",
    ).tag(config=True)
    keep_uploads_days = Int(
        7, min=1, help="Number of days that an unfinished upload and its parts are kept, so that it can be resumed."
    ).tag(config=True)

    @default("max_concurrent_transfers")
    def _max_concurrent_transfers(self) -> int:
        text = env("MAX_CONCURRENT_TRANSFERS")
        if text and not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_TRANSFERS):
            self._logger.warning("MAX_CONCURRENT_TRANSFERS must be a number from 1 to 64; using 2.")
            return DEFAULT_TRANSFERS
        return int(text or DEFAULT_TRANSFERS)

    @default("max_bandwidth")
    def _max_bandwidth(self) -> int:
        text = env("MAX_BANDWIDTH")
        if text and not (text.isascii() and text.isdigit() and len(text) <= 13 and is_bandwidth(int(text))):
            self._logger.warning(
                "MAX_BANDWIDTH must be 0, or a number of bytes per second from 100000; no limit is set."
            )
            return 0
        return int(text or 0)

    @default("state_dir")
    def _state_dir(self) -> str:
        return str(Path(jupyter_data_dir()) / "odhtec")

    @validate("max_concurrent_transfers")
    def _check_concurrency(self, proposal: Any) -> int:
        if not 1 <= proposal["value"] <= MAX_TRANSFERS:
            raise BadRequest("maxConcurrentTransfers must be a number from 1 to 64.")
        return int(proposal["value"])

    @validate("max_bandwidth")
    def _check_bandwidth(self, proposal: Any) -> int:
        if not is_bandwidth(proposal["value"]):
            raise BadRequest("maxBandwidth must be 0 for no limit, or a number of bytes per second from 100000.")
        return int(proposal["value"])

    @validate("max_memory")
    def _check_memory(self, proposal: Any) -> int:
        return max(int(proposal["value"]), MIN_MEMORY)


def is_bandwidth(value: int) -> bool:
    """Return whether a number of bytes per second can be the limit; 0 is none."""
    return value == 0 or MIN_BANDWIDTH <= value <= MAX_BANDWIDTH
