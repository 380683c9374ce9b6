"""Arithmetic of training: FLOP of a run, and what the device could have done in that time.

Matrix products with weights only: two operations per parameter and token forward, as many for the gradient of
what a layer was given, as many for the gradient of its weights (Kaplan et al. 2020, section 2.1).
"""

import os
import re
import subprocess
from functools import cache

# Dense bf16 throughput of NVIDIA's accelerators, FLOP per second, from their data sheets (where these give it
# "with sparsity", half of it). The first whose words are all in the device's name is meant; the SXM form has
# no word of its own.
PEAK_BF16 = {
    "B200": 2250e12,
    "GH200": 989.4e12,
    "H200 NVL": 835e12,
    "H200": 989.4e12,
    "H100 NVL": 835e12,
    "H100 PCIe": 756e12,
    "H100": 989.4e12,
    "A100": 312e12,
    "A40": 149.7e12,
    "A10": 125e12,
    "L40S": 362e12,
    "L40": 181e12,
    "L4": 121e12,
}


def training_flops(n_params: int, tokens: int, adapter_params: int = 0) -> float:
    """FLOP of training on `tokens`: 6·N for each where all N parameters learn.

    With an adapter the N are frozen and need no gradient of their own: 4·N, and 6 for each of the adapter's.
    """
    if adapter_params:
        return (4.0 * n_params + 6.0 * adapter_params) * tokens
    return 6.0 * n_params * tokens


def peak_flop_per_s(device: str) -> float | None:
    """The device's dense bf16 peak, or None where its name is not in the table."""
    words = set(re.split(r"[ -]", device))
    return next((peak for name, peak in PEAK_BF16.items() if words.issuperset(name.split())), None)


def nvidia_smi(field: str) -> list[str]:
    """What NVIDIA's driver says of each GPU of this machine; nothing where there is none."""
    try:
        return subprocess.run(
            ["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return []


@cache
def gpus() -> tuple[str, ...]:
    """The GPUs that are visible, as CUDA_VISIBLE_DEVICES names them. Imports no torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    told = nvidia_smi("index")
    if visible is None or not told:
        return tuple(told)
    return tuple(name for name in visible.split(",") if name)
