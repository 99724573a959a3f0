"""Versions and devices: what a bug report and a run's record need."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from zoo.plugins import plugins

__all__ = ["environment"]

PACKAGES = (
    "ganzoo",
    "torch",
    "torchvision",
    "timm",
    "open-clip-torch",
    "huggingface-hub",
    "safetensors",
    "numpy",
    "scipy",
    "torch-fidelity",
    "pillow",
    "pluggy",
    "typer",
)


def environment() -> dict[str, Any]:
    """Python, packages, system, processor, devices and plugins."""
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "system": platform.platform(),
        "processor": {"name": _processor(), "cores": os.cpu_count(), "usable": _usable()},
        "devices": _devices(),
        "plugins": {state.qualified: f"{state.status} {state.version}" for state in plugins()},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _usable() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    """The model name where the system tells it."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text(encoding="utf-8").splitlines() if table.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _devices() -> dict[str, Any]:
    """What torch sees; the only command of this kind that imports it."""
    try:
        import torch
    except Exception as error:  # a broken installation is what a bug report is about
        return {"torch": f"does not import: {type(error).__name__}: {error}"}
    found: dict[str, Any] = {
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "cuda": torch.version.cuda or "none",
        "mps": torch.backends.mps.is_available(),
    }
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        found[f"cuda:{index}"] = f"{about.name}, {about.total_memory / 2**30:.0f} GiB"
    return found
