"""One page of a list, by the version of the call that the store supports.

Some stores support ListObjects only: they refuse ListObjectsV2, or treat it as ListObjects and have no continuation
tokens. Then the list continues after the last key, which our own token contains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odhtec_jupyter.errors import BadRequest, StoreError
from odhtec_jupyter.stores.s3.connection.abilities import Abilities
from odhtec_jupyter.stores.s3.wire.errors import s3_errors
from odhtec_jupyter.stores.s3.wire.list_page import ListPage, position_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Codes of stores for an unknown call or parameter. "BadRequest" is a 400 without a code.
UNKNOWN_CALL = {"NotImplemented", "XNotImplemented", "MethodNotAllowed", "InvalidArgument", "InvalidRequest"}
UNKNOWN_CALL |= {"BadRequest", "Status405", "Status501"}


def read_page(client: S3Client, abilities: Abilities, host: str, params: dict[str, Any], token: str | None) -> ListPage:
    """Return one page of a list, starting at ``token``."""
    position = position_of(token)
    if token and position is None and not abilities.lists_v2:
        raise BadRequest("continuationToken is not valid for this store. Read the list from the beginning.")
    if abilities.lists_v2:
        try:
            return _second_version(client, host, params, token, position)
        except StoreError as error:
            if error.code not in UNKNOWN_CALL or (token and position is None):
                raise
            refusal = error
        try:
            page = _first_version(client, host, params, position)
        except StoreError as error:
            raise (error if error.transient else refusal) from error
        abilities.lists_v2 = False
        return page
    return _first_version(client, host, params, position)


def _second_version(
    client: S3Client, host: str, params: dict[str, Any], token: str | None, position: str | None
) -> ListPage:
    where: dict[str, Any] = {}
    if position is not None:
        where["StartAfter"] = position  # connection/clients.py sends it as a marker, too
    elif token:
        where["ContinuationToken"] = token
    with s3_errors(host):
        reply: Any = client.list_objects_v2(**params, **where)
    page: ListPage = reply["ListPage"]
    return page


def _first_version(client: S3Client, host: str, params: dict[str, Any], position: str | None) -> ListPage:
    where: dict[str, Any] = {} if position is None else {"Marker": position}
    with s3_errors(host):
        reply: Any = client.list_objects(**params, **where)
    page: ListPage = reply["ListPage"]
    return page
