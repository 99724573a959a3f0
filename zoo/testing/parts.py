"""What losses, regularisers, augmentations and discriminators owe: each trains a small host for two steps."""

import torch

from zoo.adversarial import Augment, Game
from zoo.compatibility import combine, part
from zoo.composition import augmentation, build
from zoo.model import Model, Parts
from zoo.options import changed
from zoo.plugins import registry
from zoo.registry import Registered
from zoo.testing.architectures import folder, same_state, train
from zoo.testing.kit import NotApplicable, owes
from zoo.testing.toy_data import DATA, batch, pictures
from zoo.training import checkpoint
from zoo.training.engine import Training
from zoo.training.plan import model_class

__all__: list[str] = []

HOSTS = ("dcgan", "fastgan", "stylegan2")
LOSSES = ("non-saturating", "hinge", "ebgan", "began", "wasserstein")


@owes("loss")
def scalars(one: Registered) -> None:
    """Gives finite scalars of float32 logits [N,K], with gradients."""
    game = build("loss", one.qualified, {})
    assert isinstance(game, Game), f"the target makes a {type(game).__name__}, not a zoo.Game"
    torch.manual_seed(0)
    real, fake = (torch.rand(6, 1, requires_grad=True) for _ in range(2))
    losses = [*game.d(real, fake), game.g(fake, real if game.needs_real else None)]
    for loss in losses:
        assert loss.shape == (), f"a loss of shape {tuple(loss.shape)}; a scalar is wanted"
        assert loss.isfinite()
    (gradient,) = torch.autograd.grad(losses[-1], fake)
    assert gradient.abs().sum() > 0, "the generator's loss gives its fakes no gradient"


@owes("augmentation")
def shapes(one: Registered) -> None:
    """Keeps shape and type, for grey and colour, and passes gradients on."""
    for channels in (1, 3):
        made = augmentation(one.qualified)
        assert isinstance(made, Augment), f"the target makes a {type(made).__name__}, not a zoo.Augment"
        images = pictures(4, 0, channels).requires_grad_(True)
        torch.manual_seed(0)
        seen, spatial = made(images, {})
        assert seen.shape == images.shape
        assert seen.dtype == images.dtype
        assert spatial == {}
        assert seen.requires_grad, "no gradient reaches the images"


@owes("augmentation")
def by_seed(one: Registered) -> None:
    """Draws from torch's random numbers alone."""
    views = []
    for _ in range(2):
        made = augmentation(one.qualified)
        torch.manual_seed(3)
        views.append(made(pictures(4, 0), {})[0])
    assert torch.equal(*views), "two draws from one seed differ"


@owes("discriminator")
def judges(one: Registered) -> None:
    """Gives float logits or energies by row, with gradients to the images."""
    options = dict(pair.split("=") for pair in one.entry.traits.get("tiny", "").split(",") if pair)
    network = build("discriminator", one.qualified, options, DATA)
    assert isinstance(network, torch.nn.Module), f"the target makes a {type(network).__name__}, not a module"
    if not callable(getattr(network, "forward", None)) or hasattr(network, "d_loss"):
        raise NotApplicable("it is a critic of its own kind; training shows it")
    images = pictures(8, 0).requires_grad_(True)
    out = network(images)
    heads = out if isinstance(out, (list, tuple)) else [out]
    for head in heads:
        assert head.shape[0] == 8, f"logits of shape {tuple(head.shape)}; [N,K] is wanted"
        assert head.isfinite().all()
    torch.stack([head.sum() for head in heads]).sum().backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None, "no gradient reaches the images"


@owes("loss", "regularizer", "augmentation", "discriminator")
def trains(one: Registered) -> None:
    """Trains a host that its traits allow, and a resume is exact."""
    engine, again = Training(hosted(one, 0)), Training(hosted(one, 5))
    train(engine, 0, 2)
    with folder() as where:
        checkpoint.restore(again, checkpoint.save(where, engine, {}))
    train(engine, 2, 3)
    train(again, 2, 3)
    same_state(engine.model, again.model)


def hosted(one: Registered, seed: int) -> Model:
    """The first small architecture and loss that this part combines with, built with it."""
    for host in (host for host in HOSTS if host in registry().names("architecture")):
        for loss in [one.qualified] if one.kind == "loss" else LOSSES:
            if loss not in registry().names("loss") and one.kind != "loss":
                continue
            if (parts := parts_with(one, host, loss)) is not None:
                return built(host, parts, one, seed)
    raise NotApplicable(f"none of {', '.join(HOSTS)} is installed and allows it")


def parts_with(one: Registered, host: str, loss: str) -> Parts | None:
    """Parts of this host and loss with the entry among them; None when they do not combine."""
    regularizers = (one.qualified,) if one.kind == "regularizer" else ()
    augment = one.qualified if one.kind == "augmentation" else "none"
    role = one.entry.traits.get("role", "replace")
    judge = ""
    if one.kind == "discriminator":
        tiny = one.entry.traits.get("tiny", "")
        judge = f"{one.qualified}:role={role},{tiny}".rstrip(",")
    frozen = [known.name for known in registry().select("backbone", tags=["test"])][:1]
    wanted = frozen if judge and one.entry.traits.get("backbone") and "backbone=" not in judge else []
    if combine(host, loss, regularizers, augment, [judge] if judge else [], wanted):
        return None
    replaces, joins = (judge if role == "replace" else ""), (judge if role == "join" else "")
    return Parts(loss, regularizers, augment, replaces or "own", (joins,) if joins else (), tuple(wanted))


def built(host: str, parts: Parts, one: Registered, seed: int) -> Model:
    """The host's preset `tiny` with these parts, without the batch statistics that per-image gradients refuse."""
    model = model_class(host)
    config = model.presets["tiny"](DATA).config
    option = part("architecture", host).traits.get("norm", "")
    if "=" in option and "per_sample" in one.entry.traits:
        config = changed(config, dict([option.split("=")]))
    torch.manual_seed(seed)
    made = model(config, DATA)
    made.build_critics(parts)
    assert batch(made, 0)
    return made
