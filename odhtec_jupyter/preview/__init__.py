"""Looking inside an object without downloading it: one small module per format, each reads by range.

``look.py`` decides who looks; what a format's module cannot make sense of it says with :class:`Unreadable`, and the
object is shown as text or as bytes instead, with that sentence as the note. Nothing here renders: text is data.
"""
