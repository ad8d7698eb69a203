"""Settings of named connections: where they are found, and those that an administrator configures."""

from __future__ import annotations

from typing import Any

from traitlets import Dict, List, Unicode, validate

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.settings.group import SettingsGroup

# In the order of their precedence: a name is used for the first connection that has it.
CONNECTION_SOURCES = ("environment", "prefixed", "directory", "pipelines", "profiles", "mc", "configured", "session")


class ConnectionTraits(SettingsGroup):
    """Which connections the server knows besides the default one."""

    connection_sources = List(
        Unicode(),
        list(CONNECTION_SOURCES),
        help="Where connections are found, in the order of their precedence: environment (the data connection of the "
        "workbench, named default), prefixed (variables ODHTEC_CONNECTION_<NAME>_AWS_…), directory (connections_dir), "
        "pipelines (the pipeline server's odh_dsp.json), profiles (the AWS configuration), mc (variables "
        "MC_HOST_<alias>), configured (connections) and session (added while the server runs).",
    ).tag(config=True)
    connections_dir = Unicode(
        help="Folder with connections: each subfolder is a mounted Secret with files such as AWS_ACCESS_KEY_ID, and "
        "each file a connection in the form of KServe's storage-config. Changed files are read again."
    ).tag(config=True)
    connections = Dict(
        help="Connections by name, each with endpoint, region, bucket, access_key_id, secret_access_key (or "
        "secret_access_key_file), session_token, profile, anonymous, requester_pays, read_only, ca_bundle, "
        "addressing_style (auto, path or virtual), secret_name and title, as needed."
    ).tag(config=True)

    @validate("connection_sources")
    def _check_sources(self, proposal: Any) -> list[str]:
        names = list(dict.fromkeys(proposal["value"]))
        if unknown := [name for name in names if name not in CONNECTION_SOURCES]:
            raise BadRequest(
                f"connection_sources: {unknown[0][:100]!r} is not a source. The sources are "
                f"{', '.join(CONNECTION_SOURCES)}."
            )
        return names
