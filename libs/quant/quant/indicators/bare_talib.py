"""TA-Lib without the data frames that it would load by itself.

It looks for polars and pandas only to take their series as well, and 20 MB stay in every process that has no other use
for them; besides, each call is then asked about its arguments first. We give it arrays.
"""

import sys
from importlib import import_module
from typing import Final

FRAMES: Final = ("polars", "pandas")

_hidden = [name for name in FRAMES if name not in sys.modules]
sys.modules.update(dict.fromkeys(_hidden))  # type: ignore[arg-type]  # None is how Python says that there is no such module
try:
    talib = import_module("talib")
finally:
    for _name in _hidden:
        del sys.modules[_name]
