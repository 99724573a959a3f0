"""Several processes, one model: what a GAN needs from torch.distributed."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

from zoo.errors import ZooError

__all__ = [
    "all_sum",
    "average_gradients",
    "barrier",
    "broadcast_state",
    "mean_over_ranks",
    "processes",
    "rank",
    "world_size",
]


def world_size() -> int:
    """Number of processes that train this model together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """This process's number, 0 for the one that writes."""
    return distributed.get_rank() if distributed.is_initialized() else 0


@contextmanager
def processes(device: torch.device) -> Iterator[None]:
    """Join the group that torchrun announced, if it did: nccl between GPUs, gloo otherwise."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or distributed.is_initialized():
        yield
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    if not distributed.is_backend_available(backend):
        raise ZooError(f"This build of torch has no {backend}; install one that has, or train in one process.")
    distributed.init_process_group(backend, timeout=timedelta(hours=12))  # rank 0 may prepare data for long
    try:
        yield
    finally:
        distributed.destroy_process_group()


def average_gradients(params: Iterable[nn.Parameter]) -> None:
    """Give every process the mean gradient: dense ones as one flat all-reduce, sparse ones row by row."""
    params = list(params)
    if world_size() == 1:
        return
    for p in params:
        if p.grad is not None and p.grad.is_sparse:
            p.grad = mean_of_rows(p.grad)
    gradients = [p.grad for p in params if p.grad is not None and not p.grad.is_sparse]
    if not gradients:
        return
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= world_size()
    means = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, mean in zip(gradients, means, strict=True):
        gradient.copy_(mean.view_as(gradient))


def mean_of_rows(gradient: Tensor) -> Tensor:
    """The mean over all processes of gradients [M,d] with few rows, whose (index, row) pairs alone are exchanged."""
    own = gradient.coalesce()
    counts = everyones(torch.tensor([own.values().shape[0]]))
    most = int(max(counts))
    sent = [everyones(padded(x, most)) for x in (own.indices()[0], own.values())]
    index, rows = (torch.cat([x[: int(n)] for x, n in zip(each, counts, strict=True)]) for each in sent)
    return torch.sparse_coo_tensor(index[None], rows / world_size(), gradient.shape, check_invariants=False).coalesce()


def everyones(x: Tensor) -> list[Tensor]:
    """The tensor of each process by rank, all of one shape, on the device that it came from."""
    sent = on_wire(x)
    found = [torch.empty_like(sent) for _ in range(world_size())]
    distributed.all_gather(found, sent)
    return [one.to(x.device) for one in found]


def padded(x: Tensor, rows: int) -> Tensor:
    """The tensor with zeros below, `rows` rows in all."""
    return torch.cat([x, x.new_zeros(rows - len(x), *x.shape[1:])])


def on_wire(x: Tensor) -> Tensor:
    """The tensor, contiguous, where the processes can exchange it: nccl takes those of a GPU alone."""
    x = x.detach().contiguous()
    return x.cuda() if x.device.type == "cpu" and distributed.get_backend() == "nccl" else x


def broadcast_state(module: nn.Module) -> None:
    """Start every process from rank 0's parameters and buffers."""
    if world_size() > 1:
        for tensor in [*module.parameters(), *module.buffers()]:
            dense = on_wire(tensor)
            distributed.broadcast(dense, src=0)
            tensor.detach().copy_(dense)


def mean_over_ranks(values: dict[str, float]) -> dict[str, float]:
    """The mean of each number over all processes; all pass the same names in the same order."""
    if world_size() == 1 or not values:
        return values
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    packed = torch.tensor(list(values.values()), dtype=torch.float64, device=device)
    distributed.all_reduce(packed)
    return dict(zip(values, (packed / world_size()).tolist(), strict=True))


def agreed(flag: bool) -> bool:
    """True on every process as soon as it is true on one: stops and saves happen together."""
    if world_size() == 1:
        return flag
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    vote = torch.tensor(int(flag), device=device)
    distributed.all_reduce(vote, distributed.ReduceOp.MAX)
    return bool(vote.item())


def shared(value: str) -> str:
    """Rank 0's text on every process."""
    if world_size() == 1:
        return value
    box = [value]
    distributed.broadcast_object_list(box, src=0)
    return box[0]


def all_sum(x: Tensor) -> Tensor:
    """The sum of `x` over all processes."""
    total = x.clone()
    if world_size() > 1:
        distributed.all_reduce(total)
    return total


def barrier() -> None:
    """Wait for every process."""
    if world_size() > 1:
        distributed.barrier()
