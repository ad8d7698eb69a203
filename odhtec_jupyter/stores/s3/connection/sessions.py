"""Sessions of boto3: one loader of S3's description for all, and parsers that accept the replies of other stores."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.stores.s3.connection.signing_keys import SigningKeys

if TYPE_CHECKING:
    from boto3.session import Session


def new_session(profile: str | None, keys: SigningKeys) -> Session:
    """Return a session whose clients sign with ``keys``, and have the other settings of an AWS profile."""
    from boto3.session import Session

    core = _core_session(profile)
    core.register_component("credential_provider", keys)
    session = Session(botocore_session=core)
    # After boto3 has added a folder to the session's loader, or the shared one would get it for each session.
    core.register_component("data_loader", _loader())
    core.register_component("response_parser_factory", _lenient_parsers())
    return session


def find_credentials(profile: str | None) -> Any:
    """Return the credentials that botocore finds now, such as those of a role; None if there are none."""
    core = _core_session(profile)
    core.register_component("data_loader", _loader())
    return core.get_credentials()


def _core_session(profile: str | None) -> Any:
    from botocore.session import get_session

    core = get_session()
    if profile:
        core.set_config_variable("profile", profile)
    return core


@cache
def _loader() -> Any:
    """Return one loader for the process: each session would load its own description of S3, 12 MiB in 100 ms."""
    from botocore.session import get_session

    return get_session().get_component("data_loader")


@cache
def _lenient_parsers() -> Any:
    """Return parsers that leave out an invalid number or date; with botocore's own the whole reply is lost."""
    from botocore import parsers

    def or_none(read: Callable[..., Any]) -> Callable[..., Any]:
        def lenient(*args: Any) -> Any:
            try:
                return read(*args)
            except (ValueError, TypeError, OverflowError, RuntimeError):
                return None

        return lenient

    class LenientParser(parsers.RestXMLParser):
        def parse(self, response: Any, shape: Any) -> Any:
            try:
                return super().parse(response, shape)
            except parsers.ResponseParserError:
                raise
            except Exception as error:
                raise parsers.ResponseParserError(f"{type(error).__name__}: {error}") from error

    # Not public in botocore; without them the whole reply is refused with an error.
    for name in ("_handle_integer", "_handle_long", "_handle_timestamp", "_handle_float", "_handle_double"):
        if hasattr(parsers.RestXMLParser, name):
            setattr(LenientParser, name, or_none(getattr(parsers.RestXMLParser, name)))

    class LenientFactory(parsers.ResponseParserFactory):
        def create_parser(self, protocol_name: str) -> Any:
            return LenientParser() if protocol_name == "rest-xml" else super().create_parser(protocol_name)

    return LenientFactory()
