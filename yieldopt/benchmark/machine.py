"""What a run was measured on: machine, SIMD level, versions."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

_PACKAGES = ("yieldopt", "numpy", "ortools", "highspy", "scipy")


def machine() -> dict[str, Any]:
    """Return the processor, its cores, the system and the SIMD level that NumPy uses."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "simd": simd(),
        "blas": _blas(),
    }


def machine_class(found: dict[str, Any]) -> str:
    """Return the words that two runs of one class share: processor, cores, SIMD level."""
    return f"{found.get('cpu')}, {found.get('cores')} cores, {found.get('simd')}"


def versions() -> dict[str, str]:
    """Return the version of Python and of each package that is installed."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def simd() -> str:
    """Return the highest SIMD level that NumPy found on this machine, ``"baseline"`` if none."""
    extensions = _config().get("SIMD Extensions", {})
    levels = extensions.get("found") or extensions.get("baseline") or ["baseline"]
    return str(levels[-1])


def _blas() -> str:
    blas = _config().get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _config() -> dict[str, Any]:
    config: Any = np.show_config(mode="dicts")
    return config if isinstance(config, dict) else {}


def _cpu() -> str:
    """Return the processor's name: Linux keeps it in a file, elsewhere ``platform`` has it."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
