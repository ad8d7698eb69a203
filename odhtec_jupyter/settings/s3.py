"""Settings of S3: traits, environment variables, the connection, and changes at run time."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from functools import cached_property

from traitlets import Unicode, default

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.models import S3Settings, S3SettingsChange
from odhtec_jupyter.network import AMAZON, Origin, bare_bucket, checked_url, origin, without_bucket
from odhtec_jupyter.secret_traits import secret_in
from odhtec_jupyter.settings.connections import S3Connection
from odhtec_jupyter.settings.group import SettingsGroup
from odhtec_jupyter.settings.values import check_secret, endpoint_origin, env, foreign_secret, mask, merge


class S3Traits(SettingsGroup):
    """How to connect to S3: the data connection of a workbench sets the environment variables."""

    s3_endpoint = Unicode(
        help="URL of the S3 service. Empty means Amazon S3. Environment variables: AWS_S3_ENDPOINT, then "
        "AWS_ENDPOINT_URL_S3, then AWS_ENDPOINT_URL."
    ).tag(config=True)
    s3_access_key_id = Unicode(help="S3 access key ID. Environment variable: AWS_ACCESS_KEY_ID.").tag(config=True)
    s3_access_key_id_file = Unicode(
        help="File that contains the S3 access key ID, for keys that change. It is read again while transfers run."
    ).tag(config=True)
    s3_secret_access_key = Unicode(
        help="S3 secret access key; s3_secret_access_key_file is safer. Environment variable: AWS_SECRET_ACCESS_KEY."
    ).tag(config=True)
    s3_secret_access_key_file = Unicode(
        help="File that contains the S3 secret access key, such as a mounted Kubernetes secret. It is read again while "
        "transfers run, and when S3 refuses the key."
    ).tag(config=True)
    s3_session_token = Unicode(
        help="S3 session token; s3_session_token_file is safer. Environment variable: AWS_SESSION_TOKEN."
    ).tag(config=True)
    s3_session_token_file = Unicode(
        help="File that contains the S3 session token. It is read again while transfers run, and when S3 refuses it."
    ).tag(config=True)
    s3_region = Unicode(help="S3 region. Environment variables: AWS_DEFAULT_REGION, then AWS_REGION.").tag(config=True)
    s3_bucket = Unicode(help="Bucket that the panel opens first. Environment variable: AWS_S3_BUCKET.").tag(config=True)

    @default("s3_endpoint")
    def _s3_endpoint(self) -> str:
        return env("AWS_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")

    @default("s3_access_key_id")
    def _s3_access_key_id(self) -> str:
        return self._secret("s3_access_key_id_file", "AWS_ACCESS_KEY_ID")

    @default("s3_secret_access_key")
    def _s3_secret_access_key(self) -> str:
        return self._secret("s3_secret_access_key_file", "AWS_SECRET_ACCESS_KEY")

    @default("s3_session_token")
    def _s3_session_token(self) -> str:
        return self._secret("s3_session_token_file", "AWS_SESSION_TOKEN")

    @default("s3_region")
    def _s3_region(self) -> str:
        return env("AWS_DEFAULT_REGION", "AWS_REGION")

    @default("s3_bucket")
    def _s3_bucket(self) -> str:
        return env("AWS_S3_BUCKET")

    def read_s3_files_again(self) -> bool:
        """Read the keys that came from files again, and return whether one has changed. Blocks.

        Keys that a user has entered since, and files that cannot be read at the moment, change nothing.
        """
        found = {}
        for trait in ("s3_access_key_id", "s3_secret_access_key", "s3_session_token"):
            path, now = getattr(self, f"{trait}_file"), getattr(self, trait)
            if path and now and now == self._read_from_files.get(f"{trait}_file"):
                with suppress(BadRequest):
                    found[trait] = secret_in(path)
        changed = {trait: value for trait, value in found.items() if value and value != getattr(self, trait)}
        for trait, value in changed.items():
            self._read_from_files[f"{trait}_file"] = value
            setattr(self, trait, value)
        return bool(changed)

    @property
    def s3(self) -> S3Connection:
        """The S3 connection in force now, with its endpoint checked and normalized."""
        now = self._s3_as_configured
        if not now.endpoint:
            return now
        return replace(now, endpoint=without_bucket(checked_url(now.endpoint, "endpoint"), now.default_bucket))

    @property
    def _s3_as_configured(self) -> S3Connection:
        """The connection with an unchecked endpoint: an endpoint that is not valid must not prevent its correction."""
        return S3Connection(
            endpoint=self.s3_endpoint or None,
            region=self.s3_region or None,
            default_bucket=bare_bucket(self.s3_bucket),
            access_key_id=self.s3_access_key_id or None,
            secret_access_key=self.s3_secret_access_key or None,
            session_token=self.s3_session_token or None,
        )

    @property
    def _s3_if_valid(self) -> S3Connection:
        """The checked connection, or the connection as configured if its endpoint is not valid."""
        with suppress(BadRequest):
            return self.s3
        return self._s3_as_configured

    def changed_s3(self, change: S3SettingsChange) -> S3Connection:
        """Return the connection with a change applied and checked; nothing is stored."""
        now = self._s3_if_valid  # normalized: the host must not name the old bucket when the bucket changes
        endpoint = merge(change.endpoint, now.endpoint)
        bucket = bare_bucket(merge(change.default_bucket, now.default_bucket))
        new = replace(
            now,
            endpoint=without_bucket(checked_url(endpoint, "endpoint"), bucket) if endpoint else None,
            region=merge(change.region, now.region),
            default_bucket=bucket,
            access_key_id=merge(change.access_key_id, now.access_key_id),
            secret_access_key=merge(change.secret_access_key, now.secret_access_key),
            session_token=merge(change.session_token, now.session_token),
        )
        if new.region and not re.fullmatch(r"[A-Za-z0-9-]{1,64}", new.region):
            raise BadRequest("region can contain letters, digits and hyphens only.")
        for name, value in (
            ("accessKeyId", new.access_key_id),
            ("secretAccessKey", new.secret_access_key),
            ("sessionToken", new.session_token),
        ):
            check_secret(value, name)
        if bool(new.access_key_id) != bool(new.secret_access_key):
            raise BadRequest("accessKeyId and secretAccessKey must be given together.")
        return self._with_own_keys(change, now, new)

    @cached_property
    def _configured_origin(self) -> Origin | None:
        """The only origin, besides Amazon, that gets the server's own credentials: that of the first endpoint."""
        return endpoint_origin(self._s3_if_valid.endpoint or AMAZON)

    def _with_own_keys(self, change: S3SettingsChange, now: S3Connection, new: S3Connection) -> S3Connection:
        """Return ``new`` without the session token of another origin.

        Raises :class:`BadRequest` where credentials of another origin would be used.
        """
        configured = self._configured_origin
        target, present = origin(new.endpoint or AMAZON), endpoint_origin(now.endpoint or AMAZON)
        # Without keys of ours, boto3 signs with those of the server: a profile, a web identity or an instance role.
        if not new.secret_access_key and target not in {origin(AMAZON), configured}:
            raise foreign_secret("endpoint", "The credentials of this server", configured, "access key")
        if target == present:
            return new
        if now.secret_access_key and change.secret_access_key is None:
            raise foreign_secret("endpoint", "The stored S3 keys", present, "secret access key")
        return replace(new, session_token=merge(change.session_token or "", None))

    def change_s3(self, change: S3SettingsChange) -> None:
        """Check a change and store it until the server stops."""
        new = self.changed_s3(change)
        self.s3_endpoint = new.endpoint or ""
        self.s3_region = new.region or ""
        self.s3_bucket = new.default_bucket or ""
        self.s3_access_key_id = new.access_key_id or ""
        self.s3_secret_access_key = new.secret_access_key or ""
        self.s3_session_token = new.session_token or ""

    def show_s3(self) -> S3Settings:
        """Return the settings without their secrets; an endpoint that is not valid as it was configured."""
        now = self._s3_if_valid
        return S3Settings(
            endpoint=mask(now.endpoint),
            region=now.region,
            default_bucket=now.default_bucket,
            access_key_id=now.access_key_id,
            secret_access_key_set=now.secret_access_key is not None,
            session_token_set=now.session_token is not None,
        )
