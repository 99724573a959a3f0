"""NVIDIA's StyleGAN2 files, in their three layouts, written from networks of ours."""

from collections.abc import Mapping
from math import log2
from pathlib import Path

import pytest
import torch

import zoo
from ganzoo_hub.importing import import_file, read_file
from tests.hub.layouts import persistent, tensorflow, write_tensorflow_pickle, write_torch_pickle
from zoo import DataSpec, ZooError

FORMS = [("skip", "resnet"), ("resnet", "skip"), ("orig", "orig")]


def made(seed: int, classes: int = 0, channels: int = 3, **options) -> zoo.Model:
    """A small pair whose biases, noise and averages are not zero."""
    torch.manual_seed(seed)
    options = {"condition": "label" if classes else "none", "mapping_layers": 3, "z_dim": 6, **options}
    data = DataSpec(16, channels=channels, classes=classes)
    model = zoo.create("stylegan2", preset="tiny", data=data, training=True, **options)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith(("bias", "noise_strength", "w_avg")):
                value.add_(0.3 * torch.randn_like(value))
    return model.eval()


def g_values(model: zoo.Model) -> dict[str, object]:
    """The attributes of a generator's modules."""
    c, data = model.config, model.data
    clamp = c.conv_clamp or None
    values = {"z_dim": c.z_dim, "w_dim": c.w_dim, "c_dim": model.classes, "img_resolution": data.resolution}
    values |= {"img_channels": data.channels, "mapping.fc0.bias_gain": 0.01}
    for size in (4, 8, 16):
        values |= {f"synthesis.b{size}.architecture": c.g_form, f"synthesis.b{size}.conv1.activation": "lrelu"}
        values |= {f"synthesis.b{size}.conv1.conv_clamp": clamp, f"synthesis.b{size}.conv1.use_noise": True}
    return values


def d_values(model: zoo.Model) -> dict[str, object]:
    """The attributes of a discriminator's modules."""
    c = model.config
    values = {"b16.architecture": c.d_form, "b16.conv0.conv_clamp": c.conv_clamp or None}
    values |= {"b4.mbstd.group_size": c.mbstd_group, "b4.mbstd.num_channels": 1, "b4.fc.activation": "lrelu"}
    return values


def torch_pickle(path: Path, live: zoo.Model, average: zoo.Model, flat: bool = False, **values) -> Path:
    """A .pkl as StyleGAN2-ADA writes it, or, `flat`, as the StyleGAN3 repository."""
    widths = {"channel_base": live.config.channel_base, "channel_max": live.config.channel_max}
    arguments = widths if flat else {"synthesis_kwargs": widths}
    g, g_ema = (
        persistent("Generator", one.generator.state_dict(), {**g_values(one), **values}, arguments)
        for one in (live, average)
    )
    d = persistent("Discriminator", live.critic.network.state_dict(), d_values(live), widths)
    return write_torch_pickle(path, {"G": g, "D": d, "G_ema": g_ema, "augment_pipe": None})


def compare(path: Path, live: zoo.Model, average: zoo.Model) -> None:
    """What the file loads as, against what it was written from."""
    model = zoo.load(path)
    for options in ({}, {"truncation": 0.6}, {"truncation": 0.6, "cutoff": 2}, {"noise": "none"}):
        expected = average.sample(3, **options)
        torch.testing.assert_close(model.sample(3, **options), expected, atol=2e-5, rtol=0)
    trained = zoo.load(path, training=True).eval()
    images = torch.randn(4, live.data.channels, 16, 16)
    condition = {"label": torch.arange(4) % live.classes} if live.classes else {}
    judged = [one.critic.network(images, **condition) for one in (trained, live)]
    torch.testing.assert_close(*judged, atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(trained.sample(2), live.sample(2), atol=2e-5, rtol=0)


@pytest.mark.parametrize("forms", FORMS, ids=str)
@pytest.mark.parametrize("classes", [0, 5])
def test_torch_pickles(tmp_path, forms, classes):
    options = {"g_form": forms[0], "d_form": forms[1], "classes": classes, "conv_clamp": 0.7 if classes else 0.0}
    live, average = made(0, **options), made(1, **options)
    path = torch_pickle(tmp_path / "a.pkl", live, average, flat=bool(classes))
    compare(path, live, average)
    found = read_file(path, "stylegan2")
    chosen = ("g_form", "d_form", "conv_clamp", "mbstd_group", "channel_base", "channel_max", "condition")
    assert all(getattr(found.plan.config, name) == getattr(live.config, name) for name in chosen)
    assert "non-commercial" in found.plan.provenance["licence"]


def test_a_folder_of_it_loads_with_its_own_settings(tmp_path):
    live, average = made(0, channels=1), made(1, channels=1)
    path = torch_pickle(tmp_path / "a.pkl", live, average)
    import_file(path, tmp_path / "model", "stylegan2")
    torch.testing.assert_close(zoo.load(tmp_path / "model").sample(2), average.sample(2), atol=2e-5, rtol=0)
    assert zoo.load(tmp_path / "model", training=True).path_mean == 0


def test_another_multiplier_of_the_mapping_is_folded_into_its_weights(tmp_path):
    live = made(0)
    theirs = made(0)
    with torch.no_grad():
        for name, p in theirs.generator.mapping.named_parameters():
            p.mul_(0.01 / 0.1 if name.startswith("fc") else 1)
    path = torch_pickle(tmp_path / "a.pkl", theirs, theirs, **{"mapping.fc0.bias_gain": 0.1})
    torch.testing.assert_close(zoo.load(path).sample(2), live.sample(2), atol=2e-5, rtol=0)


def test_the_whole_batch_as_a_group(tmp_path):
    live = made(0)
    g = persistent("Generator", live.generator.state_dict(), g_values(live), {"channel_base": 64, "channel_max": 8})
    values = {**d_values(live), "b4.mbstd.group_size": None}
    d = persistent("Discriminator", live.critic.network.state_dict(), values, {})
    path = write_torch_pickle(tmp_path / "a.pkl", {"G": g, "D": d, "G_ema": g})
    whole = made(0, mbstd_group=8)
    images = torch.randn(8, 3, 16, 16)
    trained = zoo.load(path, training=True).eval()
    torch.testing.assert_close(trained.critic.network(images), whole.critic.network(images), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"synthesis.b8.conv1.activation": "swish"}, r"synthesis\.b8\.conv1\.activation='swish'"),
        ({"synthesis.b8.conv1.activation": "linear"}, r"synthesis\.b8\.conv1\.activation='linear'"),
        ({"synthesis.b8.conv1.affine.activation": "lrelu"}, r"affine\.activation='lrelu'"),
        ({f"synthesis.b8.conv1.x{i}.activation": "a" * 900 for i in range(9)}, r"^.{900,1400} and 1 more, which"),
        ({"img_resolution": 1 << 40}, "is not whole"),
        ({"z_dim": 10**15}, r"generator\.mapping\.fc0\.weight \(\d+, 6\) instead of"),
        ({"synthesis.b8.conv1.use_noise": False}, "use_noise=False"),
        ({"synthesis.b8.conv1.conv_clamp": 3.0}, r"conv_clamp=256\.0 and 3\.0"),
    ],
)
def test_what_computes_otherwise_is_refused(tmp_path, values, told):
    live = made(0)
    with pytest.raises(ZooError, match=told):
        zoo.load(torch_pickle(tmp_path / "a.pkl", live, live, **values))


def test_a_file_with_another_discriminator_gives_the_generator(tmp_path):
    live = made(0)
    g = persistent("Generator", live.generator.state_dict(), g_values(live), {"channel_base": 64, "channel_max": 8})
    d = persistent("ProjectedDiscriminator", {"feature_network.weight": torch.zeros(2)}, {}, {})
    path = write_torch_pickle(tmp_path / "a.pkl", {"G": g, "D": d, "G_ema": g})
    torch.testing.assert_close(zoo.load(path).sample(2), live.sample(2), atol=2e-5, rtol=0)
    with pytest.raises(ZooError, match="the generator alone"):
        zoo.load(path, training=True)


@pytest.mark.parametrize("name", ["synthesis/noise99999999999", "synthesis/noise" + "9" * 90, "synthesis/noise99"])
def test_a_variable_with_a_huge_number_is_told_like_any_other(tmp_path, name):
    live = made(0, conv_clamp=0.0)
    path = tensorflow_pickle(tmp_path / "a.pkl", live, live, also={name: torch.zeros(1, 1, 4, 4)})
    with pytest.raises(ZooError, match="not known here: "):
        zoo.load(path)


def test_a_mapping_of_very_many_layers_is_refused_before_it_is_built(tmp_path):
    live = made(0)
    tensors = {**live.generator.state_dict(), **{f"mapping.fc{i}.weight": torch.zeros(1) for i in range(2, 100)}}
    g = persistent("Generator", tensors, g_values(live), {"channel_base": 64, "channel_max": 8})
    with pytest.raises(ZooError, match="a mapping of more than 64 layers"):
        zoo.load(write_torch_pickle(tmp_path / "a.pkl", {"G_ema": g}))


@pytest.mark.parametrize("arguments", [{"channel_base": 10**18, "channel_max": 10**18}, {"channel_base": 10**400}])
def test_widths_beyond_all_bounds_are_refused(tmp_path, arguments):
    live = made(0)
    g = persistent("Generator", live.generator.state_dict(), g_values(live), arguments)
    with pytest.raises(ZooError, match=r"is not whole|of another shape"):
        zoo.load(write_torch_pickle(tmp_path / "a.pkl", {"G_ema": g}))


def test_a_name_too_many_is_told(tmp_path):
    live = made(0)
    tensors = {**live.generator.state_dict(), "synthesis.b8.extra.weight": torch.zeros(1)}
    g = persistent("Generator", tensors, g_values(live), {"channel_base": 64, "channel_max": 8})
    with pytest.raises(ZooError, match=r"not known here: generator\.synthesis\.b8\.extra\.weight"):
        zoo.load(write_torch_pickle(tmp_path / "a.pkl", {"G_ema": g}))


def variables(model: zoo.Model, lods: bool) -> tuple[dict[str, dict[str, torch.Tensor]], dict[str, torch.Tensor]]:
    """TensorFlow's variables of a model: those of the generator by component, and the discriminator's."""
    g = {"": {"lod": torch.zeros(()) if lods else None}, "mapping": {}, "synthesis": {}}
    g[""] = {name: value for name, value in g[""].items() if value is not None}
    for name, value in model.generator.state_dict().items():
        match name.split("."):
            case ["mapping", "w_avg"]:
                g[""]["dlatent_avg"] = value
            case ["mapping", layer, kind]:
                scope = "LabelEmbed" if layer == "embed" else layer.replace("fc", "Dense")
                g["mapping"][f"{scope}/{kind}"] = value.T if kind == "weight" else value
            case ["synthesis", "b4", "const"]:
                g["synthesis"]["4x4/Const/const"] = value[None]
            case ["synthesis", block, layer, "noise_const"]:
                size = int(block[1:])
                number = 0 if size == 4 else 2 * int(log2(size)) - (5 if layer == "conv0" else 4)
                g["synthesis"][f"noise{number}"] = value[None, None]
            case ["synthesis", block, layer, *kind] if kind != ["resample_filter"] and layer != "resample_filter":
                size, scope = (
                    int(block[1:]),
                    {"conv0": "Conv0_up", "torgb": "ToRGB", "skip": "Skip"}.get(layer, "Conv1"),
                )
                scope = "Conv" if size == 4 and layer == "conv1" else scope
                place = f"ToRGB_lod{int(log2(16 // size))}" if lods and layer == "torgb" else f"{size}x{size}/{scope}"
                g["synthesis"] |= {f"{place}/{key}": one for key, one in synthesis_layer(layer, kind, value).items()}
    return g, dict(d_variables(model, lods))


def synthesis_layer(layer: str, kind: list[str], value: torch.Tensor) -> dict[str, torch.Tensor]:
    """One tensor of a synthesis layer under TensorFlow's name."""
    match kind:
        case ["affine", "weight"]:
            return {"mod_weight": value.T}
        case ["affine", "bias"]:
            return {"mod_bias": value - 1}
        case ["weight"]:
            flipped = value.flip(2, 3) if layer in ("conv0", "skip") else value
            return {"weight": flipped.permute(2, 3, 1, 0)}
    return {kind[0]: value}


def d_variables(model: zoo.Model, lods: bool):
    """TensorFlow's variables of a discriminator."""
    for name, value in model.critic.network.state_dict().items():
        *scope, kind = name.split(".")
        if kind == "resample_filter":
            continue
        moved = value.permute(2, 3, 1, 0) if value.ndim == 4 else value.T if value.ndim == 2 else value
        match scope:
            case ["mapping", "embed"]:
                yield f"LabelEmbed/{kind}", moved
            case ["mapping", layer]:
                yield f"{layer.replace('fc', 'Mapping')}/{kind}", moved
            case ["b4", "out"]:
                yield f"Output/{kind}", moved
            case [block, layer]:
                size = block[1:]
                names = {"fc": "Dense0", "conv": "Conv", "conv1": "Conv1_down", "fromrgb": "FromRGB"}
                place = f"{size}x{size}/{names.get(layer, layer.title())}"
                yield f"FromRGB_lod0/{kind}" if lods and layer == "fromrgb" else f"{place}/{kind}", moved


def tensorflow_pickle(
    path: Path,
    live: zoo.Model,
    average: zoo.Model,
    lods: bool = False,
    also: Mapping[str, torch.Tensor] | None = None,
    **arguments,
) -> Path:
    """A .pkl as the TensorFlow code writes it; `also` are further variables of the synthesis networks."""
    c, data = live.config, live.data
    common = {"resolution": 16, "num_channels": data.channels, "label_size": live.classes, **arguments}
    common |= {"fmap_base": c.channel_base // 2, "fmap_max": c.channel_max}
    built = {**common, "latent_size": c.z_dim, "dlatent_size": c.w_dim, "mapping_layers": c.mapping_layers}
    judge = {**common, "mapping_layers": c.d_mapping_layers, "mapping_lrmul": 0.01, "mbstd_group_size": c.mbstd_group}
    if not lods:
        built["architecture"], judge["architecture"] = c.g_form, c.d_form
    networks = []
    for model in (live, average):
        parts, d = variables(model, lods)
        own = parts.pop("")
        parts["synthesis"] |= {name.removeprefix("synthesis/"): value for name, value in (also or {}).items()}
        components = {name: tensorflow(f"G_{name}", one, built) for name, one in parts.items()}
        networks += [tensorflow("G_main", own, {**built, "truncation_psi": 0.5}, components)]
        networks += [tensorflow("D_stylegan2", d, judge)]
    return write_tensorflow_pickle(path, (networks[0], networks[1], networks[2]))


@pytest.mark.parametrize("forms", FORMS, ids=str)
@pytest.mark.parametrize("classes", [0, 5])
def test_tensorflow_pickles(tmp_path, forms, classes):
    options = {"g_form": forms[0], "d_form": forms[1], "classes": classes, "conv_clamp": 0.7 if classes else 0.0}
    live, average = made(0, d_mapping_layers=2, **options), made(1, d_mapping_layers=2, **options)
    path = tensorflow_pickle(tmp_path / "a.pkl", live, average, **({"conv_clamp": 0.7} if classes else {}))
    compare(path, live, average)


def test_a_tensorflow_pickle_that_counts_levels_of_detail(tmp_path):
    options = {"g_form": "orig", "d_form": "orig", "conv_clamp": 0.0}
    live, average = made(0, **options), made(1, **options)
    compare(tensorflow_pickle(tmp_path / "a.pkl", live, average, lods=True), live, average)


@pytest.mark.parametrize("argument", [{"nonlinearity": "relu"}, {"resample_kernel": [1, 2, 1]}, {"use_pagan": True}])
def test_tensorflow_arguments_that_compute_otherwise_are_refused(tmp_path, argument):
    live = made(0, conv_clamp=0.0)
    with pytest.raises(ZooError, match=f"{next(iter(argument))}=.*has no form of"):
        zoo.load(tensorflow_pickle(tmp_path / "a.pkl", live, live, **argument))
