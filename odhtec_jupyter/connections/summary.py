"""A connection as it is shown: never with a secret."""

from __future__ import annotations

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.connections.presets import preset_of
from odhtec_jupyter.connections.registry import Duplicate
from odhtec_jupyter.connections.sources.session import SessionSource
from odhtec_jupyter.models import ConnectionProblem, ConnectionSummary
from odhtec_jupyter.policy import Policy
from odhtec_jupyter.settings import mask


def summary(connection: Connection, policy: Policy, *, with_account: bool) -> ConnectionSummary:
    """Return what is shown of a connection; with its access key ID for users who can change connections.

    If the policy allows no writing, all connections are read-only.
    """
    s3 = connection.s3
    return ConnectionSummary(
        name=connection.name,
        title=connection.title or None,
        source=connection.source,
        error=connection.error,
        removable=connection.source == SessionSource.name,
        endpoint=mask(s3.endpoint),
        preset=preset_of(s3.endpoint).id,
        region=s3.region,
        default_bucket=s3.default_bucket,
        access_key_id=s3.access_key_id if with_account else None,
        secret_access_key_set=s3.secret_access_key is not None,
        session_token_set=s3.session_token is not None,
        profile=s3.profile,
        anonymous=s3.anonymous,
        requester_pays=s3.requester_pays,
        read_only=s3.read_only or policy.read_only,
        addressing_style=s3.addressing_style,
        ca_bundle_set=connection.ca_bundle is not None,
        secret_name=connection.secret_name,
    )


def problem(duplicate: Duplicate) -> ConnectionProblem:
    """Return the sentence about a connection that is not used."""
    return ConnectionProblem(
        name=duplicate.name,
        source=duplicate.source,
        message=f"The connection “{duplicate.name}” of the source “{duplicate.source}” is not used, because the source"
        f" “{duplicate.used}” has one with this name.",
    )
