"""Says whether this copy of the package runs compiled.

This module is compiled if the rest of the core is. So it is enough to know whether the interpreter loaded the module
from a `.py` file or from an extension.
"""

from __future__ import annotations

from typing import Final

COMPILED: Final = not __file__.endswith((".py", ".pyc"))
