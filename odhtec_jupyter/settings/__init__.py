"""Every setting: its trait, its environment variable, its default, its check and its help, in one module per group.

Precedence: change at run time (the settings routes) > traitlets configuration > environment > default. Secrets are only
in these objects and in the connections that the stores get; neither prints them.
"""

from __future__ import annotations

from traitlets.config import LoggingConfigurable

from odhtec_jupyter.settings.connections import HUB_ENDPOINT, HubConnection, S3Connection
from odhtec_jupyter.settings.hub import HubTraits
from odhtec_jupyter.settings.limits import LimitTraits
from odhtec_jupyter.settings.proxies import NetworkTraits
from odhtec_jupyter.settings.s3 import S3Traits
from odhtec_jupyter.settings.values import check_secret

__all__ = ["HUB_ENDPOINT", "HubConnection", "OdhTecSettings", "S3Connection", "check_secret"]


class OdhTecSettings(S3Traits, HubTraits, NetworkTraits, LimitTraits, LoggingConfigurable):
    """The settings of ODH-TEC for Jupyter."""
