"""Every setting: its trait, its environment variable, its default, its check and its help, in one module per group.

Precedence: change at run time (the settings routes) > traitlets configuration > environment > default. Secrets are only
in these objects and in the connections that the stores get; neither prints them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from traitlets.config import LoggingConfigurable

from odhtec_jupyter.network import Network
from odhtec_jupyter.settings.connections import HUB_ENDPOINT, AddressingStyle, HubConnection, S3Connection
from odhtec_jupyter.settings.hub import HubTraits
from odhtec_jupyter.settings.limits import LimitTraits
from odhtec_jupyter.settings.policy import PolicyTraits
from odhtec_jupyter.settings.proxies import NetworkTraits
from odhtec_jupyter.settings.s3 import S3Traits
from odhtec_jupyter.settings.sources import ConnectionTraits
from odhtec_jupyter.settings.values import check_secret, mask

__all__ = [
    "HUB_ENDPOINT",
    "AddressingStyle",
    "HubConnection",
    "OdhTecSettings",
    "S3Connection",
    "check_secret",
    "mask",
]


class OdhTecSettings(
    S3Traits, ConnectionTraits, HubTraits, NetworkTraits, LimitTraits, PolicyTraits, LoggingConfigurable
):
    """The settings of ODH-TEC for Jupyter."""

    @property
    def network(self) -> Network:
        """The proxies and certificate authorities in force now, and the policy."""
        return replace(super().network, policy=self.policy)

    @classmethod
    def class_own_traits(cls, **metadata: Any) -> dict[str, Any]:
        """Return the traits of all groups, for ``--help-all`` and ``--generate-config``, which list own traits only."""
        traits = cls.class_traits(**metadata)
        return {name: trait for name, trait in traits.items() if getattr(LoggingConfigurable, name, None) is not trait}
