"""Build the embedded emoji set from the npm packages emoji-datasource-twitter and emoji-datasource-google
(16.0.0).

    npm install emoji-datasource-twitter@16.0.0 emoji-datasource-google@16.0.0
    python scripts/build_emoji.py node_modules/emoji-datasource-twitter node_modules/emoji-datasource-google

Writes emoji.zip (lossless WebP, 64 px, stored uncompressed) and emoji.json beside the data card, in the
order of the code points as text. Takes some minutes. The same packages and libraries give the same bytes.
"""

import argparse
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

HOME = Path(__file__).parent.parent / "plugins" / "ganzoo_datasets" / "emoji"

CATEGORIES = (
    "Smileys & Emotion",
    "People & Body",
    "Component",
    "Animals & Nature",
    "Food & Drink",
    "Travel & Places",
    "Activities",
    "Objects",
    "Symbols",
    "Flags",
)


def base_emoji(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries drawn in both styles, sorted by their code points as text; skin tones stay out."""
    both = [entry for entry in table if entry["has_img_twitter"] and entry["has_img_google"]]
    return sorted(both, key=lambda entry: str(entry["unified"]))


def captions(entry: dict[str, Any]) -> list[str]:
    """The Unicode name and the short names as words, each once: ["thumbs up sign", "thumbsup"]."""
    words = [name.replace("_", " ").replace("-", " ") for name in entry["short_names"] if name not in ("+1", "-1")]
    return list(dict.fromkeys([" ".join(entry["name"].lower().split()), *words]))


def encode(path: Path) -> bytes:
    """Lossless WebP of a PNG: the same RGBA, but for the invisible colour of clear pixels, which becomes 0."""
    pixels = np.array(Image.open(path).convert("RGBA"))
    pixels[pixels[:, :, 3] == 0] = 0
    if pixels.shape != (64, 64, 4):
        raise SystemExit(f"{path}: {pixels.shape}, not 64 px")
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", lossless=True, quality=100, method=6, exact=True)
    if not np.array_equal(np.array(Image.open(stream).convert("RGBA")), pixels):
        raise SystemExit(f"{path}: does not decode to the same pixels")
    return stream.getvalue()


def main() -> None:
    """Read both packages, write both files, print their size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("twitter", type=Path, help="folder of the package emoji-datasource-twitter")
    parser.add_argument("google", type=Path, help="folder of the package emoji-datasource-google")
    parser.add_argument("--out", type=Path, default=HOME)
    given = parser.parse_args()
    entries = base_emoji(json.loads((given.twitter / "emoji.json").read_text(encoding="utf-8")))
    styles = {"twemoji": given.twitter / "img/twitter/64", "noto": given.google / "img/google/64"}
    rows = [
        {
            "code": entry["unified"].lower(),
            "category": CATEGORIES.index(entry["category"]),
            "captions": captions(entry),
        }
        for entry in entries
    ]
    with zipfile.ZipFile(given.out / "emoji.zip", "w", zipfile.ZIP_STORED) as archive:
        for style, folder in styles.items():
            for entry, row in zip(entries, rows, strict=True):
                info = zipfile.ZipInfo(f"{style}/{row['code']}.webp")  # a fixed date, for the same bytes
                archive.writestr(info, encode(folder / entry["image"]))
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    text = f'{{"categories": {json.dumps(CATEGORIES)},\n"emoji": [\n{lines}\n]}}\n'
    (given.out / "emoji.json").write_text(text, encoding="utf-8")
    print(f"{len(rows)} emoji in {len(styles)} styles, {(given.out / 'emoji.zip').stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
