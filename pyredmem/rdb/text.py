"""How the bytes of keys and names are shown as text."""


def readable(data: bytes) -> str:
    """The text of UTF-8, with escapes for whatever else there is, and for what would control a terminal."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join([letter if letter.isprintable() else repr(letter)[1:-1] for letter in text])
