"""Where a run computes, and in which precision."""

import ctypes
import os
import sys

import torch

from zoo.errors import ZooError

__all__ = ["choose_device", "choose_precision", "keep_freed_memory", "peak_memory", "synchronise"]


def choose_device(name: str = "auto") -> torch.device:
    """The device of a name; `auto` takes CUDA, then MPS, then the CPU. Under torchrun, this rank's GPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ZooError(f"unknown device '{name}'; known are auto, cpu, cuda, cuda:N and mps.") from error
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise ZooError("--device cuda: this torch sees no GPU; use --device cpu, or see `ganzoo env`.")
        if device.index is None:
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        try:
            torch.cuda.set_device(device)
        except (RuntimeError, AssertionError) as error:
            raise ZooError(f"--device {device}: this machine has {torch.cuda.device_count()} GPUs.") from error
    elif device.type == "mps" and not torch.backends.mps.is_available():
        raise ZooError("--device mps: this machine has no Apple GPU; use --device cpu.")
    elif device.type not in ("cpu", "mps"):
        raise ZooError(f"--device {name}: ganzoo trains on cpu, cuda and mps.")
    return device


def choose_precision(name: str, device: torch.device) -> str:
    """`auto` takes bf16 where the hardware computes it natively, fp32 elsewhere."""
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if device.type == "cpu" and cpu_has_bf16() else "fp32"


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bf16 in hardware (AVX512-BF16 or AMX); emulation is slower than fp32."""
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)


def peak_memory(device: torch.device) -> float:
    """The most memory used so far, in GB: the GPU's where there is one, else this process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def keep_freed_memory() -> None:
    """Let glibc reuse the blocks a step frees instead of returning them to the system, page by page.

    A tenth of a DCGAN step on a CPU went into that, and a tenth of pix2pix's, whose gradients are beyond the 32 MB that
    the threshold for mmap can be raised to. Elsewhere than on glibc this does nothing.
    """
    if sys.platform != "linux":
        return
    trim, mmaps = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(mmaps, 0)
        mallopt(trim, 2**31 - 1)


def synchronise(device: torch.device) -> None:
    """Wait for queued work, so that clocks tell the truth."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
