"""How the bytes of keys and names are shown as text."""


def readable(data: bytes) -> str:
    """The text of UTF-8, with escapes for whatever else there is, and for what would control a terminal."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join([letter if letter.isprintable() else repr(letter)[1:-1] for letter in text])


def shortened(data: bytes, most: int = 100) -> str:
    """The same, cut off with an ellipsis if it has more characters than that."""
    text = readable(data)
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
