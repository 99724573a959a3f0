"""Turning one input while all others stay."""

import pytest
import torch

import zoo
from ganzoo_conditional.cgan import CGAN
from zoo import Code, DataSpec, InvalidOptions, Traverses, ZooError
from zoo.traverse import chosen_codes, codes_of, traversal

DATA = DataSpec(resolution=16, classes=3, items=12, class_names=("cat", "dog", "owl"))


def test_a_code_turns_its_own_column_alone():
    inputs = {"z": torch.randn(4, 3), "code": torch.randn(4, 2), "label": torch.tensor([0, 1, 2, 0])}
    before = {name: value.clone() for name, value in inputs.items()}
    code = Code("code 2", "code", 1, low=-1, high=0.5)
    turned = code.turned(inputs, code.stops(4))
    torch.testing.assert_close(turned["code"][:, 1], torch.tensor([-1.0, -0.5, 0.0, 0.5]))
    torch.testing.assert_close(turned["code"][:, 0], before["code"][:, 0])
    assert turned["z"] is inputs["z"]
    kinds = Code("class", "label", values=("cat", "dog", "owl"))
    assert kinds.turned(inputs, kinds.stops(2).repeat(2))["label"].tolist() == [0, 1, 0, 1]
    assert all(torch.equal(inputs[name], before[name]) for name in inputs)


def test_infogans_codes_by_rows_with_the_noise_of_the_seed():
    torch.manual_seed(0)
    model = zoo.create("infogan", preset="tiny", data=DATA)
    assert isinstance(model, Traverses)
    codes = codes_of(model)
    assert [(code.name, len(code.values)) for code in codes] == [("category 1", 3), ("code 1", 0), ("code 2", 0)]
    images, labels = traversal(model, codes, [5], 4, {})
    assert labels == ["category 1: 0 to 2", "code 1: -2 to 2", "code 2: -2 to 2"]
    rows = images.unflatten(0, (3, 4))
    assert (rows[0, 3] == 1).all()
    one = model.prior(1, 5)
    for place, category in enumerate(range(3)):
        expected = model.generate({**one, "category": torch.tensor([[category]])})
        torch.testing.assert_close(rows[0, place], expected[0], atol=1e-5, rtol=0)
    code = one["code"].clone()
    code[0, 1] = 2.0
    torch.testing.assert_close(rows[2, 3], model.generate({**one, "code": code})[0], atol=1e-5, rtol=0)


def test_other_models_show_classes_and_coordinates_of_z():
    torch.manual_seed(0)
    model = zoo.create("cgan", preset="tiny", data=DATA)
    names = [code.name for code in codes_of(model, coordinates=2)]
    assert names == ["class", "z 0", "z 1"]
    images, labels = traversal(model, chosen_codes(model, ["class"]), [0, 1], 3, {})
    assert labels == ["class: cat to owl, seed 0", "class: cat to owl, seed 1"]
    torch.testing.assert_close(images[3:], torch.cat([model.sample(1, 1, class_=i) for i in range(3)]))
    styled = zoo.create("stylegan2", preset="tiny", data=DataSpec(16))
    flat, _ = traversal(styled, chosen_codes(styled, ["z 0"]), [0], 3, {"truncation": 0.0})
    torch.testing.assert_close(flat[0], flat[2])


def test_codes_that_are_not_there_are_refused_with_those_that_are():
    model = zoo.create("infogan", preset="tiny", data=DATA)
    with pytest.raises(InvalidOptions, match=r"category 1, code 1, code 2\. Did you mean 'code 2'"):
        chosen_codes(model, ["code2"])
    with pytest.raises(InvalidOptions, match="truncation"):
        traversal(model, codes_of(model), [0], 3, {"truncation": 0.5})


def test_a_model_that_draws_nothing_has_nothing_to_traverse():
    class Still(CGAN):
        """Its inputs come from the data."""

        def prior(self, n, seed):
            return {}

    with pytest.raises(ZooError, match="nothing to traverse"):
        chosen_codes(Still(CGAN.Config(), DATA), [])
