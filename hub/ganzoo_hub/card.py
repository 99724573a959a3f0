"""The card of a run: what its weights are, how to use them, on what and at what cost they came about, how they score.

What a run does not tell is said to be unknown. The front matter is that of the Hugging Face Hub, with a `ganzoo` block
of our own; `ganzoo_hub.schema` says what every card must have.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ganzoo_hub.facts import Facts, read_facts
from ganzoo_hub.licences import checked_licence, licence_fields
from ganzoo_hub.schema import check_card
from zoo.evaluation.score import Score, flat
from zoo.option_types import word
from zoo.options import to_json
from zoo.plugins import registry
from zoo.registry import Registered

__all__ = ["generate"]

UNKNOWN = "unknown"


def generate(
    run_folder: str | Path,
    *,
    licence: str,
    name: str = "",
    which: str = "last",
    data_licence: str = "",
    grid: str = "samples.png",
) -> str:
    """README.md for the weights of a run or model folder, front matter included.

    `licence` is that of the weights; `name` their repository `owner/name`, if there is one yet; `data_licence` that of
    the data, where the data does not state its own; `grid` the picture of samples that will lie beside the card, empty
    for none. Raises InvalidOptions without a licence, ZooError for a folder that holds no weights.
    """
    licence = checked_licence(licence)
    facts = read_facts(Path(run_folder), which)
    licences = {
        "code": facts.code_licence or UNKNOWN,
        "weights": licence,
        "data": data_licence or facts.data_licence or UNKNOWN,
    }
    title = name.rpartition("/")[2] or Path(run_folder).resolve().name
    text = f"---\n{front_matter(facts, licences, title)}\n---\n\n" + "\n\n".join(
        body(facts, licences, name, title, grid)
    )
    check_card(text + "\n", where=f"the card of {run_folder}")
    return text + "\n"


def front_matter(facts: Facts, licences: Mapping[str, str], title: str) -> str:
    """YAML for the Hub, with a block of our own."""
    from huggingface_hub import ModelCardData

    results = [result for score in facts.scores for result in as_results(facts, score)]
    more: dict[str, Any] = {**licence_fields(licences["weights"])}
    if results:
        more |= {"model_name": title, "eval_results": results}
    if dataset := dataset_of(facts):
        more["datasets"] = [dataset]
    about = ModelCardData(
        library_name="ganzoo",
        pipeline_tag=facts.task,
        tags=tags_of(facts),
        ganzoo=block(facts, licences),
        **more,
    )
    return about.to_yaml()


def tags_of(facts: Facts) -> list[str]:
    """By which the Hub finds it."""
    words = ["ganzoo", "gan", facts.entry.name, *facts.entry.entry.tags]
    return list(dict.fromkeys([*words, "class-conditional"] if facts.plan.data.classes and labelled(facts) else words))


def labelled(facts: Facts) -> bool:
    """Whether the model reads labels."""
    return "label" in facts.entry.entry.needs or getattr(facts.plan.config, "condition", "") == "label"


def dataset_of(facts: Facts) -> str:
    """The data as the Hub or the registry knows it; empty for pictures of one's own."""
    bare = facts.data.partition(":")[0]
    if facts.data.startswith("hf:"):
        return facts.data.removeprefix("hf:").partition("#")[0].partition("@")[0]
    return bare if bare in registry().names("dataset") else ""


def block(facts: Facts, licences: Mapping[str, str]) -> dict[str, Any]:
    """What ganzoo itself reads."""
    plan, supplier = facts.plan, facts.plan.provenance
    shape = {"resolution": plan.data.resolution, "channels": plan.data.channels, "classes": plan.data.classes}
    training = {
        "images": facts.images,
        "hours": UNKNOWN if facts.hours is None else round(facts.hours, 3),
        "hardware": facts.hardware or UNKNOWN,
        "precision": facts.surroundings.get("precision", UNKNOWN),
    }
    return {
        "card": 1,
        "architecture": plan.architecture,
        "plugin": {key: supplier.get(key, UNKNOWN) for key in ("distribution", "version")},
        **shape,
        "parameters": facts.parameters,
        "licences": dict(licences),
        **({"imported_from": facts.imported, "sha256": supplier.get("sha256", UNKNOWN)} if facts.imported else {}),
        "training": UNKNOWN if facts.imported else training,
    }


def as_results(facts: Facts, score: Score) -> list[Any]:
    """The Hub's evaluation results of a score, one for each of its values, with the protocol as their arguments."""
    from huggingface_hub import EvalResult

    reference = score.protocol.get("reference", {})
    return [
        EvalResult(
            task_type=facts.task,
            dataset_type=dataset_of(facts) or "pictures",
            dataset_name=facts.data or str(reference.get("source", UNKNOWN)),
            dataset_split=reference.get("split"),
            metric_type=score.name,
            metric_name=score.named(key),
            metric_value=value,
            metric_args=dict(score.protocol),
        )
        for key, value in score.values.items()
        if math.isfinite(value)
    ]


def body(facts: Facts, licences: Mapping[str, str], name: str, title: str, grid: str) -> Iterator[str]:
    """The page, section by section."""
    yield f"# {title}"
    if grid:
        yield f"![samples of seeds 0, 1, 2, ...]({grid})"
    yield what_it_is(facts)
    yield f"## Use\n\n{use(facts, name)}"
    yield f"## Data\n\n{data(facts, licences)}"
    yield f"## Training\n\n{training(facts)}"
    yield f"## Scores\n\n{scores(facts)}"
    yield "## Limitations\n\n" + "\n".join(f"- {line}" for line in limitations(facts))
    yield f"## Licences\n\n{terms(facts, licences)}"
    yield f"## Citation\n\n{citation(facts)}"


def what_it_is(facts: Facts) -> str:
    """Architecture, size of pictures, number of weights."""
    entry, shape = facts.entry.entry, facts.plan.data
    kind = "grey" if shape.channels == 1 else "RGB"
    paper = f" ([arXiv {entry.paper}](https://arxiv.org/abs/{entry.paper}))" if entry.paper else ""
    return (
        f"`{facts.entry.name}`: {entry.summary}{paper}. It draws {kind} pictures of {shape.resolution} x "
        f"{shape.resolution} px and holds {facts.parameters:,} numbers, buffers included."
    )


def use(facts: Facts, name: str) -> str:
    """A few lines that work as pasted."""
    where, needs = f"hf:{name}" if name else "PATH/OF/THIS/FOLDER", set(facts.entry.entry.needs)
    imports = "import zoo"
    if {"mask", "source"} & needs:
        does, result = ("inpaint", "filled") if "mask" in needs else ("translate", "translated")
        imports += "\nfrom PIL import Image"
        picture = f'model.{does}(Image.open("picture.jpg")).save("{result}.png")'
    elif "text" in needs:
        picture = 'model.grid(16, seed=0, text="a red flower").save("samples.png")'
    else:
        picture = 'model.grid(16, seed=0).save("samples.png")'
    lines = f'```python\n{imports}\n\nmodel = zoo.load("{where}")\n{picture}\n```'
    return f"{lines}\n\nPicture i depends on seed + i alone.{by_class(facts)} {requirement(facts)}"


def by_class(facts: Facts) -> str:
    """How to ask for a class, where the model takes them."""
    names = facts.plan.data.class_names
    return f' A class by name or number: `model.sample(8, class_="{names[0]}")`.' if names and labelled(facts) else ""


def requirement(facts: Facts) -> str:
    """What must be installed."""
    supplier = facts.plan.provenance
    package, version = supplier.get("distribution", UNKNOWN), supplier.get("version", UNKNOWN)
    if package == "ganzoo":
        return f"Needs ganzoo {version} or later."
    return f"Needs ganzoo and its plugin {package} {version} or later: `pip install {package}`."


def data(facts: Facts, licences: Mapping[str, str]) -> str:
    """Which pictures, how prepared, under which terms."""
    plan = facts.plan
    if not facts.data:
        return f"Unknown: the weights were trained elsewhere. Licence of the data: {licences['data']}."
    number = f"{plan.data.items:,} pictures" if plan.data.items else "an unknown number of pictures"
    crop = "cropped to the middle square" if plan.choice.crop == "center" else "squeezed to squares"
    mirrored = ", every second one mirrored" if plan.choice.mirror else ""
    classes = ", ".join(plan.data.class_names) or str(plan.data.classes)
    rows = {
        "data": f"`{facts.data}`, {number}",
        "prepared": f"{crop}, {plan.data.resolution} px by the mean over area{mirrored}",
        "classes": f"{classes}{'' if labelled(facts) else ' (not used)'}" if plan.data.classes else "none",
        "fingerprint": f"`{plan.choice.fingerprint or UNKNOWN}`",
        "licence": licences["data"],
    }
    return table(rows)


def training(facts: Facts) -> str:
    """Cost and configuration."""
    if facts.imported:
        sha = facts.plan.provenance.get("sha256", UNKNOWN)
        return f"Not trained with ganzoo: converted from `{facts.imported}` (sha256 `{sha}`). Its cost is unknown."
    plan, device = facts.plan, facts.surroundings
    shown = f"{facts.images:,}" + (f", {facts.images / plan.data.items:.3g} times the data" if plan.data.items else "")
    rows = {
        "images": shown,
        "hours": UNKNOWN if facts.hours is None else f"{facts.hours:.3g}",
        "hardware": facts.hardware or UNKNOWN,
        "precision": str(device.get("precision", UNKNOWN)),
        "began from": plan.origin.rpartition("/")[2] or "random weights",
        "seed": str(plan.settings.seed),
        "versions": ", ".join(
            f"{name} {facts.packages[name]}" for name in ("ganzoo", "torch") if name in facts.packages
        )
        or UNKNOWN,
    }
    options = ", ".join(f"`{key}={shown_value(value)}`" for key, value in to_json(plan.config).items())
    parts = {} if plan.parts is None else to_json(plan.parts)
    chosen = ", ".join(f"`{key}: {shown_value(value)}`" for key, value in parts.items() if value)
    return f"{table(rows)}\n\nParts: {chosen or 'none'}.\n\nOptions: {options}."


def shown_value(value: object) -> str:
    """As the command line takes it."""
    return ", ".join(map(str, value)) if isinstance(value, list) else word(value)


def scores(facts: Facts) -> str:
    """Numbers, and how to get them again."""
    if not facts.scores:
        return "None was measured on these weights."
    rows = "\n".join(
        f"| {score.name} | {score.shown()} | {'lower' if score.lower_is_better else 'higher'} |"
        for score in facts.scores
    )
    protocols = "\n\n".join(protocol(score) for score in facts.scores)
    return f"| metric | value | better |\n| --- | --- | --- |\n{rows}\n\n{protocols}"


def protocol(score: Score) -> str:
    """Everything that a number depends on, and the notes on it."""
    facts = "; ".join(f"{name} {value}" for name, value in flat(score.protocol) if value is not None)
    notes = "".join(f"\n  - {note}" for note in score.notes)
    flattered = score.subject.get("trained_against")
    if flattered:
        notes += f"\n  - It was trained against {flattered}, of the same family as the judge: the number flatters."
    return f"- {score.name}: {facts}.{notes}"


def limitations(facts: Facts) -> Iterator[str]:
    """What a user should not expect."""
    plan = facts.plan
    yield "It draws what its data shows and nothing else; the data's gaps and biases are its own, and were not studied."
    if plan.data.items and plan.data.items < 5000:
        yield f"{plan.data.items:,} pictures are few: samples may lie close to training pictures."
    if not any(score.name.startswith("memorisation") for score in facts.scores):
        yield "Whether it memorises training pictures was not measured."
    if any(score.protocol.get("samples", {}).get("n", 0) < 10_000 for score in facts.scores):
        yield "Its scores rest on fewer samples than papers take; compare them under the same protocol only."
    yield "Samples of a seed are equal across machines up to rounding, not bit for bit."


def terms(facts: Facts, licences: Mapping[str, str]) -> str:
    """Three licences, which are three things."""
    note = facts.plan.provenance.get("licence", "")
    rows = {"weights": licences["weights"], "data": licences["data"], "code": licences["code"]}
    return table(rows) + (f"\n\nFrom the file that was converted: {note}." if note else "")


def citation(facts: Facts) -> str:
    """The papers behind the architecture and its parts, and ganzoo."""
    found = {one.name: one.entry.paper for one in [facts.entry, *parts_of(facts)] if one.entry.paper}
    entries = [
        f"@misc{{{name},\n  note = {{{name} in ganzoo}},\n  eprint = {{{paper}}},\n  archivePrefix = {{arXiv}},\n"
        f"  url = {{https://arxiv.org/abs/{paper}}}\n}}"
        for name, paper in found.items()
    ]
    own = f"@software{{ganzoo,\n  title = {{ganzoo}},\n  version = {{{facts.packages.get('ganzoo', UNKNOWN)}}}\n}}"
    return "```bibtex\n" + "\n\n".join([*entries, own]) + "\n```"


def parts_of(facts: Facts) -> list[Registered]:
    """The entries of loss, regularisers, augmentation, discriminators and backbones that trained it."""
    parts = facts.plan.parts
    if parts is None:
        return []
    asked = [("loss", parts.loss), ("augmentation", parts.augment), ("discriminator", parts.discriminator)]
    asked += [("regularizer", one) for one in parts.regularizers] + [("discriminator", one) for one in parts.allies]
    names = {(kind, text.partition(":")[0] if "::" not in text else text) for kind, text in asked}
    return [one for kind, name in sorted(names) for one in registry().select(kind, name)]


def table(rows: Mapping[str, str]) -> str:
    """Two columns of Markdown without a heading."""
    return "| | |\n| --- | --- |\n" + "\n".join(f"| {key} | {value} |" for key, value in rows.items())
