"""What the models of this family share: whose captions, which discriminators, which learning rate."""

from zoo import DataSpec, InvalidOptions, Parts

__all__ = ["halved", "refuse_replacement", "text_problems"]


def text_problems(name: str, data: DataSpec, least: int) -> list[str]:
    """Captions are needed, and a size that doubles from 4 pixels, `least` at least."""
    problems, size = [], data.resolution
    if not data.text_dim:
        problems.append(f"{name} draws what captions say, and the data comes without: try --data emoji, or dcgan.")
    if size < least or size & (size - 1):
        lower = max(1 << (max(size, 1).bit_length() - 1), least)
        problems.append(
            f"{name} doubles to {least} px and on, so {size} px is out of reach; take {lower} or {2 * lower}."
        )
    return problems


def refuse_replacement(name: str, parts: Parts) -> None:
    """Raise InvalidOptions when another discriminator is to replace the own, which judges wrong pairs too."""
    if parts.discriminator != "own":
        raise InvalidOptions(
            [
                f"discriminator '{parts.discriminator}' judges no pictures beside wrong texts, as {name}'s own does; "
                f"let it join beside: {parts.discriminator}:role=join"
            ]
        )


def halved(images: int, gap_kimg: float) -> float:
    """Half as much after every `gap_kimg` thousand images; 1 without a gap."""
    return float(0.5 ** (images // max(round(gap_kimg * 1000), 1))) if gap_kimg else 1.0
