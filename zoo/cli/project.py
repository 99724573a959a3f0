"""`ganzoo project`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zoo.backbones import Backbone
    from zoo.model import Model

__all__ = ["project"]


def project(
    model: Annotated[str, typer.Argument(help="A run or model folder, hf:owner/name, or an official .pkl or .pth.")],
    picture: Annotated[Path, typer.Argument(help="The picture to find.")],
    space: Annotated[
        str, typer.Option(help="Of styles: w, one for all layers, or w+, one for each. The model's usual one without.")
    ] = "",
    steps: Annotated[int, typer.Option(help="Steps of descent.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the exploring noise.")] = 0,
    out: Annotated[Path, typer.Option(help="A sheet: the picture and what was found.")] = Path("project.png"),
    styles: Annotated[Path | None, typer.Option(help="Also write what was found: a .safetensors file.")] = None,
    backbone: Annotated[
        str,
        typer.Option(
            help="Compare what this frozen network sees, such as efficientnet-lite0 or vgg16; none is the model's own "
            "distance. auto, for models with styles: one whose weights are installed."
        ),
    ] = "auto",
    which: Annotated[str, typer.Option(help="last, best, or a kept checkpoint.")] = "last",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
) -> None:
    """Find the inputs that draw a picture: ganzoo project RUN face.png --space w+ --out found.png."""
    import torch

    from zoo.abilities import Inverts, lacks
    from zoo.backbones import perceptual
    from zoo.cli.output import check_picture, ready_parent
    from zoo.data.decode import CorruptImageError, decode
    from zoo.errors import InvalidOptions, ZooError
    from zoo.pictures import grid, save
    from zoo.training.checkpoint import write_tensors
    from zoo.training.device import choose_device
    from zoo.use import load

    check_picture(out)
    if steps < 1:
        raise InvalidOptions([f"--steps is {steps}; it must be at least 1."])
    if not picture.is_file():
        raise ZooError(f"{picture} is no file; give the picture to find.")
    place = choose_device(device)
    loaded = load(model, which=which, device=str(place))
    if not isinstance(loaded, Inverts):
        raise lacks(loaded, "cannot find the inputs of a picture", tag="projection")
    chosen = space or loaded.spaces[0]
    if chosen not in loaded.spaces:
        raise InvalidOptions([f"--space {space}: of this model {' and '.join(loaded.spaces)} can be found."])
    try:
        pixels = decode(picture.read_bytes(), size=loaded.data.resolution, channels=loaded.data.channels)
    except CorruptImageError as corrupt:
        raise ZooError(f"{picture} cannot be read: {corrupt}; give another picture.") from corrupt
    target = torch.tensor(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
    eye = eye_of(backbone, loaded)
    seen_by = eye.name if eye else "its own distance"
    features = perceptual(eye.to(place)) if eye else None
    inputs = loaded.invert(target, space=chosen, steps=steps, features=features, seed=seed)
    with torch.no_grad():
        found = loaded.generate(inputs).float().clamp(-1, 1).cpu()
    ready_parent(out)
    save(grid(torch.cat([target, found]), columns=2), out)
    if styles is not None:
        ready_parent(styles)
        write_tensors(styles, inputs)
    error = (found - target).square().mean().item()
    typer.echo(f"{out}: the picture and what was found in {chosen} by {seen_by}; mean squared error {error:.4f}")


def eye_of(reference: str, model: "Model") -> "Backbone | None":
    """The network that compares: the one named, or with auto one at hand for a model whose own distance is pixels."""
    from zoo.abilities import HasStyles
    from zoo.backbones import backbone
    from zoo.errors import ZooError
    from zoo.plugins import registry

    if reference == "none" or (reference == "auto" and not isinstance(model, HasStyles)):
        return None
    if reference != "auto":
        return backbone(reference)
    for one in registry().select("backbone", tags=["offline"]):
        try:
            return backbone(one.name)
        except ZooError:
            continue
    return None
