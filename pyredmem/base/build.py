"""Says whether this copy of the package runs compiled.

The module is compiled with the rest of the core, so what it is itself tells what the core is: the interpreter loads it
either from a `.py` file or from an extension.
"""

from typing import Final

COMPILED: Final = not __file__.endswith((".py", ".pyc"))
