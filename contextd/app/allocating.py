"""What the C library does with memory that was freed: give it back, and keep few heaps.

glibc gives each thread that allocates a heap of its own, up to eight a core, and returns the
end of a heap only.  A daemon's threads take turns, since all of them need the interpreter's
lock, and what it reads at start leaves more behind than a hundred sessions take.
"""

from __future__ import annotations

import ctypes
import sys

_MOST_HEAPS = -8
"""glibc's number of the option M_ARENA_MAX."""

HEAPS = 2
"""One for what the interpreter does, one for what the libraries do without it."""


def keep_few_heaps() -> None:
    """Bound the heaps of the C library, before threads begin; only glibc has the option."""
    if (set_option := _of_glibc("mallopt")) is not None:
        set_option(ctypes.c_int(_MOST_HEAPS), ctypes.c_int(HEAPS))


def give_back() -> None:
    """Return freed memory to the system, wherever it lies in the heaps; some milliseconds."""
    if (trim := _of_glibc("malloc_trim")) is not None:
        trim(ctypes.c_size_t(0))


def _of_glibc(name: str) -> ctypes._NamedFuncPointer | None:
    """Return a function of glibc; None where the C library is another one."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return getattr(library, name, None) if hasattr(library, "gnu_get_libc_version") else None
