"""The profiles of the AWS configuration: ``~/.aws/config`` and ``~/.aws/credentials``.

https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html describes both files. ``endpoint_url`` can be in the
profile, or in the section ``[services NAME]`` that the profile names.
"""

from __future__ import annotations

import os
from configparser import Error, RawConfigParser
from pathlib import Path

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.connections.definition import Definition, defined
from odhtec_jupyter.connections.watched_files import MAX_ENTRIES, State, state_of, text_in
from odhtec_jupyter.errors import BadRequest

# Where boto3 finds credentials of a profile without keys.
REFERENCES = (
    *("sso_session", "sso_start_url", "role_arn", "credential_process", "web_identity_token_file"),
    *("login_session", "source_profile", "credential_source"),
)
CONFIG = "The AWS config file"
Sections = dict[str, dict[str, str]]


class ProfilesSource:
    """One connection for each profile that has credentials or says where they are."""

    name = "profiles"

    def state(self) -> State:
        """Return the state of both files."""
        return state_of(profile_paths())

    def read(self) -> list[Connection]:
        """Return the connections. Raises :class:`BadRequest` for a file that boto3 could not read either."""
        config = _sections(profile_paths()[0], CONFIG)
        found = [_connection(name, values, config) for name, values in profiles_in(*profile_paths()).items()]
        return [connection for connection in found if connection is not None][:MAX_ENTRIES]


def profile_paths() -> tuple[Path, Path]:
    """Return the paths of the configuration and of the credentials, as boto3 finds them."""
    config = os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config"
    credentials = os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
    return Path(os.path.expanduser(config)), Path(os.path.expanduser(credentials))


def profiles_in(config: Path, credentials: Path) -> Sections:
    """Return the values of all profiles by name. Raises :class:`BadRequest` for a file that is not valid."""
    profiles: Sections = {}
    for section, values in _sections(config, CONFIG).items():
        kind, _, name = section.partition(" ")
        if section == "default" or (kind == "profile" and name):
            profiles.setdefault(name.strip().strip("\"'") or section, {}).update(values)
    for name, values in _sections(credentials, "The AWS credentials file").items():  # they win over the configuration
        profiles.setdefault(name, {}).update(values)
    return profiles


def _connection(name: str, values: dict[str, str], config: Sections) -> Connection | None:
    """Return the connection of a profile; None for one that only has other settings, such as an output format."""
    services = config.get(f"services {values.get('services', '')}", {})
    s3 = _nested(values.get("s3", ""))
    keys, reference = values.get("aws_access_key_id"), any(values.get(one) for one in REFERENCES)
    endpoint = _nested(services.get("s3", "")).get("endpoint_url") or values.get("endpoint_url")
    if not (keys or reference or endpoint):
        return None
    definition = Definition(
        endpoint=endpoint,
        region=values.get("region"),
        access_key_id=keys,
        secret_access_key=values.get("aws_secret_access_key"),
        session_token=values.get("aws_session_token"),
        # Without any credentials, boto3 would continue with those of the server.
        profile=name if keys or reference else None,
        addressing_style=s3.get("addressing_style"),
        ca_bundle=values.get("ca_bundle"),
        title=f"AWS profile {name}",
    )
    return defined(definition, name, ProfilesSource.name)


def _sections(path: Path, what: str) -> Sections:
    if not path.is_file():
        return {}
    try:
        text = text_in(path)
    except BadRequest as error:
        raise BadRequest(f"{what} cannot be used. {error}") from None
    parser = RawConfigParser(default_section="", strict=False)
    try:
        parser.read_string(text)
    except Error:  # its message can contain a line with a key
        raise BadRequest(f"{what} is not a valid configuration file.") from None
    return {section: dict(parser[section]) for section in parser.sections()}


def _nested(value: str) -> dict[str, str]:
    """Return the indented settings below a name: ``s3 =`` in a profile or in a section of services."""
    pairs = (line.partition("=") for line in value.splitlines() if "=" in line)
    return {name.strip(): found.strip() for name, _, found in pairs}
