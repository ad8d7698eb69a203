"""The base of all groups of settings."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import cast

from traitlets import HasTraits

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.secret_traits import secret_in
from odhtec_jupyter.settings.values import env


class SettingsGroup(HasTraits):
    """Traits that belong together. Configured through :class:`OdhTecSettings` only: a group has no section of its own.

    A section of its own would keep its secrets in ``--show-config``.
    """

    @cached_property
    def _read_from_files(self) -> dict[str, str]:
        """What was read from the files of secrets, by the names of their traits."""
        return {}

    @property
    def _logger(self) -> logging.Logger:
        return cast(logging.Logger, self.log)  # type: ignore[attr-defined]

    def _secret(self, trait: str, variable: str) -> str:
        """Return the secret in the file that a trait names, else in an environment variable."""
        path = getattr(self, trait)
        if not path:
            return env(variable)
        try:
            found = secret_in(path)
        except BadRequest as error:  # not from the variable: it may belong to another account
            self._logger.error("%s: the secret in %s cannot be read: %s.", trait, path, error)
            return ""
        self._read_from_files[trait] = found
        return found
