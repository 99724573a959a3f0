"""What the models of this family share: whose captions, which discriminators, which learning rate."""

from zoo import DataSpec

__all__ = ["JUDGES", "halved", "text_problems"]

JUDGES = "judge pictures beside wrong texts"  # what no foreign discriminator does


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


def halved(images: int, gap_kimg: float) -> float:
    """Half as much after every `gap_kimg` thousand images; 1 without a gap."""
    return float(0.5 ** (images // max(round(gap_kimg * 1000), 1))) if gap_kimg else 1.0
