"""Published ProGAN layouts: names, factors and widths, with random weights in both layouts."""

import dataclasses
from math import sqrt

import pytest
import torch
from torch.nn import functional as f

from ganzoo_progan.model import ProGAN
from ganzoo_progan.networks import Discriminator, Generator, widths
from ganzoo_progan.official import (
    facebook_model,
    from_facebook,
    from_tensorflow,
    tensorflow_model,
    to_facebook,
    to_tensorflow,
)
from zoo import ZooError
from zoo.training.engine import Training

FACEBOOK = {"lossCriterion": "WGANGP", "leakyReluLeak": 0.2, "miniBatchStdDev": True, "alpha": 0.0}


def drawn(shapes):
    torch.manual_seed(0)
    return {name: torch.randn(shape) for name, shape in shapes.items()}


def facebook_g(wide=(6, 6, 4), z_dim=5):
    shapes = {
        "formatLayer.module.weight": (wide[0] * 16, z_dim),
        "formatLayer.module.bias": (wide[0] * 16,),
        "groupScale0.0.module.weight": (wide[0], wide[0], 3, 3),
        "groupScale0.0.module.bias": (wide[0],),
    }
    for i, width in enumerate(wide):
        shapes |= {f"toRGBLayers.{i}.module.weight": (3, width, 1, 1), f"toRGBLayers.{i}.module.bias": (3,)}
        if i:
            shapes |= {f"scaleLayers.{i - 1}.0.module.weight": (width, wide[i - 1], 3, 3)}
            shapes |= {f"scaleLayers.{i - 1}.1.module.weight": (width, width, 3, 3)}
            shapes |= {f"scaleLayers.{i - 1}.{j}.module.bias": (width,) for j in (0, 1)}
    return drawn(shapes)


def facebook_d(wide=(6, 6, 4)):
    shapes = {
        "groupScaleZero.0.module.weight": (wide[0], wide[0] + 1, 3, 3),
        "groupScaleZero.0.module.bias": (wide[0],),
        "groupScaleZero.1.module.weight": (wide[0], wide[0] * 16),
        "groupScaleZero.1.module.bias": (wide[0],),
        "decisionLayer.module.weight": (1, wide[0]),
        "decisionLayer.module.bias": (1,),
    }
    for i, width in enumerate(wide):
        shapes |= {f"fromRGBLayers.{i}.module.weight": (width, 3, 1, 1), f"fromRGBLayers.{i}.module.bias": (width,)}
        if i:
            shapes |= {f"scaleLayers.{i - 1}.0.module.weight": (width, width, 3, 3)}
            shapes |= {f"scaleLayers.{i - 1}.1.module.weight": (wide[i - 1], width, 3, 3)}
            shapes |= {f"scaleLayers.{i - 1}.0.module.bias": (width,)}
            shapes |= {f"scaleLayers.{i - 1}.1.module.bias": (wide[i - 1],)}
    return drawn(shapes)


def theirs(tensors, name, x):
    """One of Facebook's layers: (Wx + b)·sqrt(2 / fan-in)."""
    weight, bias = tensors[f"{name}.module.weight"], tensors[f"{name}.module.bias"]
    out = f.linear(x, weight, bias) if weight.ndim == 2 else f.conv2d(x, weight, bias, padding="same")
    return out * sqrt(2 / weight[0].numel())


def normed(x):
    x = f.leaky_relu(x, 0.2)
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def facebook_images(g, z, alpha):
    x = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
    x = normed(theirs(g, "formatLayer", x).view(len(z), -1, 4, 4))
    x = normed(theirs(g, "groupScale0.0", x))
    for i in (0, 1):
        below, x = x, f.interpolate(x, scale_factor=2)
        x = normed(theirs(g, f"scaleLayers.{i}.1", normed(theirs(g, f"scaleLayers.{i}.0", x))))
    old = f.interpolate(theirs(g, "toRGBLayers.1", below), scale_factor=2)
    return alpha * old + (1 - alpha) * theirs(g, "toRGBLayers.2", x)


def facebook_scores(d, images):
    x = f.leaky_relu(theirs(d, "fromRGBLayers.2", images), 0.2)
    for i in (1, 0):
        x = f.leaky_relu(theirs(d, f"scaleLayers.{i}.0", x), 0.2)
        x = f.avg_pool2d(f.leaky_relu(theirs(d, f"scaleLayers.{i}.1", x), 0.2), 2)
    groups = (x.unflatten(0, (-1, 4)).var(1) + 1e-8).sqrt().mean((1, 2, 3)).repeat_interleave(4)
    x = torch.cat([x, groups.view(-1, 1, 1, 1).expand(-1, 1, 4, 4)], 1)
    x = f.leaky_relu(theirs(d, "groupScaleZero.0", x), 0.2).flatten(1)
    return theirs(d, "decisionLayer", f.leaky_relu(theirs(d, "groupScaleZero.1", x), 0.2))


def built(config, data):
    """Fresh networks of a configuration."""
    model = ProGAN(config, data)
    model.build_critics(ProGAN.parts(config))
    return model.generator, model.critic.network


@pytest.mark.parametrize("alpha", [0.0, 0.25])
def test_facebooks_weights_give_facebooks_images(alpha):
    foreign = facebook_g()
    config, data = facebook_model(foreign, FACEBOOK)
    g, _ = built(config, data)
    g.load_state_dict(from_facebook(foreign, g, alpha))
    z = torch.randn(3, 5)
    torch.testing.assert_close(g(z), facebook_images(foreign, z, alpha), rtol=1e-4, atol=1e-5)


def test_facebooks_weights_give_facebooks_scores():
    foreign = facebook_d()
    _, d = built(*facebook_model(facebook_g(), FACEBOOK))
    d.load_state_dict(from_facebook(foreign, d))
    images = torch.randn(8, 3, 16, 16)
    torch.testing.assert_close(d(images), facebook_scores(foreign, images), rtol=1e-4, atol=1e-4)


def test_there_and_back_to_facebook():
    networks = built(*facebook_model(facebook_g(), FACEBOOK))
    for foreign, network in zip((facebook_g(), facebook_d()), networks, strict=True):
        network.load_state_dict(from_facebook(foreign, network))
        back = to_facebook(network)
        assert back.keys() == foreign.keys()
        for name, value in foreign.items():
            torch.testing.assert_close(back[name], value)


def test_facebooks_configuration():
    wide = widths(512, 8192, 512)
    with torch.device("meta"):
        foreign = to_facebook(Generator(wide, first_bias="position"))
    config, data = facebook_model(foreign, {})
    assert (data.resolution, data.channels) == (512, 3)
    assert (config.z_dim, config.base, config.limit) == (512, 8192, 512)
    assert (config.first_bias, config.fused, config.spread) == ("position", False, "neighbours")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"lossCriterion": "DCGAN"}, "lossCriterion='DCGAN'"),
        ({"leakyReluLeak": 0.1, "equalizedlR": False}, "leakyReluLeak=0.1, equalizedlR=False"),
        ({"categoryVectorDim": 3}, "categoryVectorDim=3"),
    ],
)
def test_what_facebooks_code_can_do_and_progan_cannot(values, told):
    with pytest.raises(ZooError, match=told):
        facebook_model(facebook_g(), values)


def test_widths_that_follow_no_rule():
    with pytest.raises(ZooError, match="6, 5, 4 with 6"):
        facebook_model(facebook_g(wide=(6, 5, 4)), FACEBOOK)


def tensorflow_g(wide=(6, 6, 4), z_dim=6, fused=True):
    up = "Conv0_up" if fused else "Conv0"
    shapes = {
        "lod": (),
        "4x4/Dense/weight": (z_dim, wide[0] * 16),
        "4x4/Dense/bias": (wide[0],),
        "4x4/Conv/weight": (3, 3, wide[0], wide[0]),
        "4x4/Conv/bias": (wide[0],),
    }
    for i, width in enumerate(wide):
        k, side = len(wide) - 1 - i, 4 << i
        shapes |= {f"ToRGB_lod{k}/weight": (1, 1, width, 3), f"ToRGB_lod{k}/bias": (3,)}
        if i:
            order = (width, wide[i - 1]) if fused else (wide[i - 1], width)
            shapes |= {f"{side}x{side}/{up}/weight": (3, 3, *order), f"{side}x{side}/{up}/bias": (width,)}
            shapes |= {f"{side}x{side}/Conv1/weight": (3, 3, width, width), f"{side}x{side}/Conv1/bias": (width,)}
    return drawn(shapes) | {"lod": torch.tensor(0.0)}


def tensorflow_d(wide=(6, 6, 4), dense=6, fused=True):
    down = "Conv1_down" if fused else "Conv1"
    shapes = {
        "4x4/Conv/weight": (3, 3, wide[0] + 1, wide[0]),
        "4x4/Conv/bias": (wide[0],),
        "4x4/Dense0/weight": (wide[0] * 16, dense),
        "4x4/Dense0/bias": (dense,),
        "4x4/Dense1/weight": (dense, 1),
        "4x4/Dense1/bias": (1,),
    }
    for i, width in enumerate(wide):
        k, side = len(wide) - 1 - i, 4 << i
        shapes |= {f"FromRGB_lod{k}/weight": (1, 1, 3, width), f"FromRGB_lod{k}/bias": (width,)}
        if i:
            shapes |= {f"{side}x{side}/Conv0/weight": (3, 3, width, width), f"{side}x{side}/Conv0/bias": (width,)}
            shapes |= {f"{side}x{side}/{down}/weight": (3, 3, width, wide[i - 1])}
            shapes |= {f"{side}x{side}/{down}/bias": (wide[i - 1],)}
    return drawn(shapes) | {"lod": torch.tensor(0.0)}


def tf_conv(tensors, scope, x, gain=2**0.5):
    """[kh,kw,in,out], a correlation as TensorFlow's."""
    weight = tensors[f"{scope}/weight"]
    weight = weight * gain / sqrt(weight[..., 0].numel())
    return f.conv2d(x, weight.permute(3, 2, 0, 1), padding="same") + tensors[f"{scope}/bias"].view(-1, 1, 1)


def tf_up(tensors, scope, x):
    """The fused form: a transposed convolution of stride 2 with the four shifted sums of the kernel."""
    weight = tensors[f"{scope}/weight"]  # [kh,kw,out,in]
    weight = weight * sqrt(2) / sqrt(9 * weight.shape[3])
    wide = f.pad(weight, (0, 0, 0, 0, 1, 1, 1, 1))
    wide = wide[1:, 1:] + wide[:-1, 1:] + wide[1:, :-1] + wide[:-1, :-1]
    out = f.conv_transpose2d(x, wide.permute(3, 2, 0, 1), stride=2, padding=1)
    return out + tensors[f"{scope}/bias"].view(-1, 1, 1)


def tf_images(g, z, fused):
    weight = g["4x4/Dense/weight"]
    x = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
    x = (x @ weight * (sqrt(2) / 4 / sqrt(len(weight)))).view(len(z), -1, 4, 4) + g["4x4/Dense/bias"].view(-1, 1, 1)
    x = normed(tf_conv(g, "4x4/Conv", normed(x)))
    for side in ("8x8", "16x16"):
        if fused:
            x = normed(tf_up(g, f"{side}/Conv0_up", x))
        else:
            x = normed(tf_conv(g, f"{side}/Conv0", f.interpolate(x, scale_factor=2)))
        x = normed(tf_conv(g, f"{side}/Conv1", x))
    return tf_conv(g, "ToRGB_lod0", x, gain=1)


@pytest.mark.parametrize("fused", [True, False])
def test_tensorflow_weights_give_tensorflow_images(fused):
    foreign = tensorflow_g(fused=fused)
    config, data = tensorflow_model(foreign, {"fused_scale": fused})
    g, _ = built(config, data)
    g.load_state_dict(from_tensorflow(foreign, g))
    z = torch.randn(3, 6)
    torch.testing.assert_close(g(z), tf_images(foreign, z, fused), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fused", [True, False])
def test_tensorflow_weights_give_tensorflow_scores(fused):
    foreign = tensorflow_d(fused=fused)
    config, data = tensorflow_model(tensorflow_g(fused=fused), {}, {"mbstd_group_size": 2}, foreign)
    assert (config.fused, config.group) == (fused, 2)
    _, d = built(config, data)
    d.load_state_dict(from_tensorflow(foreign, d))
    images = torch.randn(4, 3, 16, 16)
    x = f.leaky_relu(tf_conv(foreign, "FromRGB_lod0", images), 0.2)
    for side in ("16x16", "8x8"):
        x = f.leaky_relu(tf_conv(foreign, f"{side}/Conv0", x), 0.2)
        if fused:
            shift = foreign[f"{side}/Conv1_down/bias"].view(-1, 1, 1)
            x = f.leaky_relu(f.avg_pool2d(tf_conv(foreign, f"{side}/Conv1_down", x) - shift, 2) + shift, 0.2)
        else:
            x = f.avg_pool2d(f.leaky_relu(tf_conv(foreign, f"{side}/Conv1", x), 0.2), 2)
    pairs = (x.unflatten(0, (2, 2)).var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3)).repeat(2)
    x = torch.cat([x, pairs.view(-1, 1, 1, 1).expand(-1, 1, 4, 4)], 1)
    x = f.leaky_relu(tf_conv(foreign, "4x4/Conv", x), 0.2).flatten(1)
    x = f.leaky_relu(x @ foreign["4x4/Dense0/weight"] * sqrt(2) / sqrt(96) + foreign["4x4/Dense0/bias"], 0.2)
    x = x @ foreign["4x4/Dense1/weight"] / sqrt(6) + foreign["4x4/Dense1/bias"]
    torch.testing.assert_close(d(images), x, rtol=1e-4, atol=1e-4)


def test_tensorflow_labels_follow_the_latents():
    foreign = tensorflow_g(z_dim=8)
    config, data = tensorflow_model(foreign, {"label_size": 2})
    assert (config.z_dim, config.condition, data.classes) == (6, "label", 2)
    g, d = built(config, data)
    g.load_state_dict(from_tensorflow(foreign, g))
    z = torch.randn(2, 6)
    joined = torch.cat([z, torch.eye(2)[[1, 0]]], dim=1)
    torch.testing.assert_close(g(z, torch.tensor([1, 0])), tf_images(foreign, joined, True), rtol=1e-4, atol=1e-5)
    assert d(torch.zeros(4, 3, 16, 16)).shape == (4, 3)


def test_there_and_back_to_tensorflow():
    networks = built(*tensorflow_model(tensorflow_g(), {}))
    for foreign, network in zip((tensorflow_g(), tensorflow_d()), networks, strict=True):
        network.load_state_dict(from_tensorflow(foreign, network))
        back = to_tensorflow(network)
        assert back.keys() == foreign.keys()
        for name, value in foreign.items():
            assert torch.equal(back[name], value), name


def test_a_half_grown_network_stays_half_grown():
    foreign = tensorflow_g() | {"lod": torch.tensor(1.25)}
    g, _ = built(*tensorflow_model(foreign, {}))
    g.load_state_dict(from_tensorflow(foreign, g))
    assert g.grown() == (1, 0.75)
    assert to_tensorflow(g)["lod"] == 1.25


def test_the_official_configuration():
    with torch.device("meta"):
        g = to_tensorflow_shapes(Generator(widths(1024, 8192, 512)))
        d = to_tensorflow_shapes(Discriminator(widths(1024, 8192, 512)))
    config, data = tensorflow_model(g, {"num_channels": 3, "resolution": 1024}, {"mbstd_group_size": 16}, d)
    assert (data.resolution, data.channels, data.classes) == (1024, 3, 0)
    assert (config.z_dim, config.base, config.limit, config.group, config.fused) == (512, 8192, 512, 16, True)
    assert (config.first_bias, config.spread) == ("channel", "strided")


def to_tensorflow_shapes(network):
    """Meta tensors have no level to read."""
    network.grown = lambda: (network.top, 1.0)
    return to_tensorflow(network)


@pytest.mark.parametrize(("name", "value"), [("use_wscale", False), ("fmap_decay", 0.5), ("use_pixelnorm", False)])
def test_what_the_official_code_can_do_and_progan_cannot(name, value):
    with pytest.raises(ZooError, match=f"{name}={value}"):
        tensorflow_model(tensorflow_g(), {name: value})


def test_foreign_names_stay_as_they_are():
    g, d = built(*tensorflow_model(tensorflow_g(), {}))
    assert "16x16/Other/weight" in from_tensorflow(tensorflow_g() | {"16x16/Other/weight": torch.zeros(1)}, g)
    assert "toRGBLayers.9.module.bias" in from_facebook(
        facebook_g() | {"toRGBLayers.9.module.bias": torch.zeros(3), "toRGBLayers.9.module.weight": torch.zeros(1)}, g
    )
    assert "blocks.0.score.bias" not in from_tensorflow({}, d)


def test_taken_over_networks_train_on():
    config, data = facebook_model(facebook_g(), FACEBOOK)
    config = dataclasses.replace(config, first=16, batch=4)
    model = ProGAN(config, data)
    model.build_critics(ProGAN.parts(config))
    model.generator.load_state_dict(from_facebook(facebook_g(), model.generator))
    model.critic.network.load_state_dict(from_facebook(facebook_d(), model.critic.network))
    log = Training(model).step({"image": torch.rand(4, 3, 16, 16)})
    assert all(value.isfinite() for value in log.values())
