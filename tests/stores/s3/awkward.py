"""Unusual keys, and prefixes of some of them."""

import unicodedata

AWKWARD = [
    "..",
    "./a",
    "a b+c%2F.txt",
    "a/../b",
    "back\\slash/x",
    "e" + unicodedata.normalize("NFD", "é") + "/f",
    "f+%25 &<>\"'/z",
    "x//y",
    "~*!'()",
    "日本/ x+y",
    "😀/%/+/ /1",
    "/lead",
]
ODD = [
    "q\x01a",
    "q\x01b",
    "q\x01c/d",
    "q\nl",
    "q\rr",
    "q\tt/u",
    "q\x7f",
]  # moto replies with XML, which cannot contain them
PREFIXES = ["", "..", "a/", "f+%25 &<>\"'/", "q\x01c/", "日本/", "😀/%/", "nothing/"]
