"""Settings of Hugging Face: traits, environment variables, the connection, and changes at run time."""

from __future__ import annotations

from contextlib import suppress

from traitlets import Unicode, default

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.models import HubSettings, HubSettingsChange
from odhtec_jupyter.network import checked_url, origin
from odhtec_jupyter.settings.connections import HUB_ENDPOINT, HubConnection
from odhtec_jupyter.settings.group import SettingsGroup
from odhtec_jupyter.settings.hub_token import own_token
from odhtec_jupyter.settings.values import check_secret, endpoint_origin, env, foreign_secret, mask, merge


class HubTraits(SettingsGroup):
    """How to connect to Hugging Face or a mirror of it."""

    hf_endpoint = Unicode(help="URL of the Hugging Face Hub or of a mirror. Environment variable: HF_ENDPOINT.").tag(
        config=True
    )
    hf_token = Unicode(
        help="Hugging Face token; hf_token_file is safer. Environment variables: HF_TOKEN, then "
        "HUGGING_FACE_HUB_TOKEN. Without them, the token that `hf auth login` stored (HF_TOKEN_PATH, HF_HOME) is used "
        "for the hub it was created for."
    ).tag(config=True)
    hf_account_from = "configuration"  # the source of hf_token, unless a default below says otherwise
    hf_token_file = Unicode(help="File that contains the Hugging Face token. It is read once.").tag(config=True)

    @default("hf_endpoint")
    def _hf_endpoint(self) -> str:
        return env("HF_ENDPOINT") or HUB_ENDPOINT

    @default("hf_token")
    def _hf_token(self) -> str:
        if self.hf_token_file:
            self.hf_account_from = "hf_token_file"
            return self._secret("hf_token_file", "HF_TOKEN")
        present = endpoint_origin(self.hf_endpoint or HUB_ENDPOINT)
        logged_in = {endpoint_origin(HUB_ENDPOINT), endpoint_origin(env("HF_ENDPOINT") or HUB_ENDPOINT)}
        token, self.hf_account_from = own_token(with_login=present in logged_in)
        return token

    @property
    def hub(self) -> HubConnection:
        """The Hugging Face connection in force now."""
        return HubConnection(checked_url(self.hf_endpoint or HUB_ENDPOINT, "hfEndpoint"), self.hf_token or None)

    def changed_hub(self, change: HubSettingsChange) -> HubConnection:
        """Return the connection with a change applied and checked; nothing is stored."""
        endpoint = merge(change.hf_endpoint, self.hf_endpoint) or HUB_ENDPOINT
        token = merge(change.hf_token, self.hf_token or None)
        check_secret(token, "hfToken")
        new = HubConnection(checked_url(endpoint, "hfEndpoint"), token)
        present = endpoint_origin(self.hf_endpoint or HUB_ENDPOINT)
        if new.token and change.hf_token is None and origin(new.endpoint) != present:
            raise foreign_secret("hfEndpoint", "The stored Hugging Face token", present, "token")
        return new

    def change_hub(self, change: HubSettingsChange) -> None:
        """Check a change and store it until the server stops."""
        new = self.changed_hub(change)
        self.hf_endpoint, self.hf_token = new.endpoint, new.token or ""
        if change.hf_token is not None:
            self.hf_account_from = "settings"

    def show_hub(self) -> HubSettings:
        """Return the settings without the token; an endpoint that is not valid as it was configured."""
        endpoint = self.hf_endpoint
        with suppress(BadRequest):
            endpoint = self.hub.endpoint
        is_set = bool(self.hf_token)
        return HubSettings(
            hf_endpoint=mask(endpoint) or "",
            hf_token_set=is_set,
            hf_token_from=self.hf_account_from if is_set else None,
        )
