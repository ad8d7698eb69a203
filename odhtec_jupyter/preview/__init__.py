"""Previews of objects that are not downloaded: one module for each format, which reads by ranges.

``dispatch.py`` chooses the format. A module raises :class:`Unreadable` for content it cannot read; then the object is
shown as text or bytes, with that message as the note. Nothing is rendered here: previews are data.
"""
