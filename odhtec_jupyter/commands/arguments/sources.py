"""The files and folders that the sources of a command name, and their paths below the target."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from odhtec_jupyter.client import Client
from odhtec_jupyter.client.arguments import any_location
from odhtec_jupyter.client.globs import has_wildcards, literal_folder
from odhtec_jupyter.commands.arguments.expansion import Note, expand
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.uris import HubUri, S3Uri, parse_uri


@dataclass(frozen=True)
class Source:
    """A file or, with a slash at the end, a folder. ``name`` is its path below the target, with the same slash."""

    uri: str
    name: str
    size: int | None = None

    @property
    def is_folder(self) -> bool:
        """Whether everything below it is copied."""
        return self.name.endswith("/")

    @property
    def folder(self) -> str:
        """The folder that the name is in."""
        return self.uri.removesuffix(self.name)


def is_remote(text: str) -> bool:
    """Return whether it is a URI, not a path of this machine."""
    return "://" in text


def single(client: Client, options: argparse.Namespace) -> str | None:
    """Return the only source; None if there are several or a pattern."""
    if len(options.source) != 1:
        return None
    uri: str = options.source[0]
    if not uri.startswith("s3://"):
        return uri
    if options.recursive or has_wildcards(uri):
        first = next(expand(client, uri, folders=options.recursive, note=_ignore))
        key, slash = client.location(uri).key, "/" if first.is_folder else ""
        return first.uri if first.key in {key, f"{key}{slash}"} else None
    return uri


def _ignore(_: str) -> None:
    """Ignore a notice: it is printed when all sources are expanded."""


def sources(client: Client, options: argparse.Namespace, note: Note) -> list[Source]:
    """Return each file and folder once. Raises :class:`BadRequest` if two would have the same name at the target."""
    seen: dict[str, Source] = {}
    for text in options.source:
        for source in _sources(client, text, options.recursive, note):
            other = seen.setdefault(source.name, source)
            if other.uri != source.uri:
                raise BadRequest(f"{other.uri} and {source.uri} would both become {source.name}. Copy them one by one.")
    folders = {one.name: one.uri for one in seen.values() if one.is_folder}
    return [one for one in seen.values() if not any(_is_in(one, name, uri) for name, uri in _above(one, folders))]


def _above(source: Source, folders: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the selected folders that contain the source, each with its URI."""
    for at, letter in enumerate(source.name[:-1]):
        if letter == "/" and (name := source.name[: at + 1]) in folders:
            yield name, folders[name]


def _is_in(source: Source, name: str, uri: str) -> bool:
    """Return whether copying the folder also copies the source, to the same path below the target."""
    return source.uri == uri + source.name.removeprefix(name)


def _sources(client: Client, text: str, recursive: bool, note: Note) -> Iterator[Source]:
    if not is_remote(text):
        path = Path(text).expanduser()
        name = path.resolve().name if path.name in {"", ".."} else path.name
        yield Source(text, f"{name}/" if path.is_dir() else name)
        return
    location = any_location(text, "source", client.connection)
    if not isinstance(location, S3Uri) or not (recursive or has_wildcards(location.key)):
        yield _named(text, str(location), f"{location.name}/" if location.is_folder else location.name)
        return
    for entry in expand(client, text, folders=recursive, note=note):
        named = entry.key.rstrip("/") == location.key.rstrip("/")
        name = _last(entry.key) if named else entry.key.removeprefix(literal_folder(location.key))
        yield _named(text, entry.uri, name, entry.size)


def _named(text: str, uri: str, name: str, size: int | None = None) -> Source:
    if name in {"", "/"}:
        raise BadRequest(f"{text} has no name to use below the target. Copy it with a separate command.")
    return Source(uri, name, size)


def _last(key: str) -> str:
    return key.removesuffix("/").rpartition("/")[2] + ("/" if key.endswith("/") else "")


def is_hub(source: Source) -> bool:
    """Return whether it is a location on Hugging Face, which is copied by a transfer of its own."""
    return isinstance(parse_uri(source.uri, "source"), HubUri)


def by_folder(chosen: Sequence[Source]) -> Iterator[tuple[str, list[Source]]]:
    """Yield the sources that are in the same folder, with that folder."""
    groups: dict[str, list[Source]] = {}
    for source in chosen:
        groups.setdefault(source.folder, []).append(source)
    yield from groups.items()
