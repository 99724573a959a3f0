"""What healthy files hold, in every layout and spelling."""

import io
import pickle
import sys

import numpy as np
import pytest
import torch

from ganzoo_hub.foreign import open_foreign
from ganzoo_hub.pickles import Budget
from ganzoo_hub.torch_files import known_names, read_stream
from tests.hub.layouts import (
    Network,
    persistent,
    pretended,
    tensorflow,
    write_facebook,
    write_tensorflow_pickle,
    write_torch_pickle,
)
from zoo import ZooError

TENSORS = {
    "synthesis.b4.const": torch.randn(2, 4, 4),
    "synthesis.b4.conv1.weight": torch.randn(3, 2, 1, 1).to(memory_format=torch.channels_last),
    "synthesis.b4.conv1.noise_strength": torch.randn([]),
    "synthesis.b4.conv1.resample_filter": torch.randn(4, 4).t(),
    "half.weight": torch.randn(3).half(),
    "mapping.w_avg": torch.randn(5)[::2],
}
VALUES = {"z_dim": 7, "synthesis.b4.architecture": "skip", "synthesis.b4.conv1.conv_clamp": None}


def read(raw: bytes):
    """The value of a pickle."""
    return read_stream(io.BytesIO(raw), len(raw), Budget.of(len(raw)), lambda name: False)


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype
        assert torch.equal(found[name], value), name


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_modules_give_tensors_and_values_by_dotted_names(tmp_path, protocol):
    net = persistent("Generator", TENSORS, VALUES, {"z_dim": 7, "mapping_kwargs": {"num_layers": 2}})
    content = {"training_set_kwargs": {"path": "x"}, "G": net, "G_ema": net, "augment_pipe": None}
    file = open_foreign(write_torch_pickle(tmp_path / "a.pkl", content, protocol))
    assert list(file.networks) == ["G", "G_ema"]
    found = file.networks["G_ema"]
    same(found.tensors, TENSORS)
    assert (found.form, found.kind) == ("module", "Generator")
    assert found.arguments == {"z_dim": 7, "mapping_kwargs": {"num_layers": 2}}
    assert VALUES.items() <= found.values.items()
    assert file.values == {"training_set_kwargs": {"path": "x"}, "augment_pipe": None}


def test_tensorflow_networks_are_laid_out_flat(tmp_path):
    parts = {"mapping": tensorflow("G_mapping", {"Dense0/weight": torch.randn(3, 2)}, {"mapping_layers": 8})}
    g = tensorflow("G_main", {"dlatent_avg": torch.randn(4), "lod": torch.tensor(0.5)}, {"resolution": 8}, parts)
    d = tensorflow("D_stylegan2", {"Output/bias": torch.randn(1)}, {})
    file = open_foreign(write_tensorflow_pickle(tmp_path / "a.pkl", (g, d, g)))
    assert list(file.networks) == ["G", "D", "G_ema"]
    found = file.networks["G_ema"]
    assert list(found.tensors) == ["dlatent_avg", "lod", "mapping/Dense0/weight"]
    assert torch.equal(found.tensors["dlatent_avg"], torch.from_numpy(g.state["variables"][0][1]))
    assert (found.form, found.kind, found.arguments) == ("tensorflow", "G_main", {"resolution": 8})
    assert found.values["mapping/mapping_layers"] == 8
    assert found.values["version"] == 5


@pytest.mark.parametrize("zipped", [False, True])
def test_state_dicts_of_torch_save(tmp_path, zipped):
    content = {"netG": dict(TENSORS), "netD": dict(TENSORS)}
    path = write_facebook(tmp_path / "a.pth", content, {"alpha": 0.25, "depths": [4, 2]}, zipped)
    file = open_foreign(path, ("models.*",))
    same(file.networks["netD"].tensors, TENSORS)
    assert file.values == {"config": {"alpha": 0.25, "depths": [4, 2]}}
    torch.save(dict(TENSORS), path, _use_new_zipfile_serialization=zipped)
    same(open_foreign(path).networks[""].tensors, TENSORS)


def test_modules_pickled_by_class_path(tmp_path):
    state = {"_parameters": {"weight": torch.nn.Parameter(torch.ones(2))}, "_buffers": {}, "_modules": {}, "groups": 3}
    hook = Network(name="weight")
    outer = {"_parameters": {}, "_buffers": {}, "_modules": {"0": Network(**state)}, "_forward_pre_hooks": {0: hook}}
    with pretended({"pg_modules.blocks.Block": Network}):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps({"D": Network(**outer), "progress": {"kimg": 3}}))
    file = open_foreign(tmp_path / "a.pkl", ("pg_modules.*",))
    assert file.networks["D"].kind == "Block"
    same(file.networks["D"].tensors, {"0.weight": torch.ones(2)})
    assert file.networks["D"].values == {"0.groups": 3}
    assert file.values == {"progress": {"kimg": 3}}
    with pytest.raises(ZooError, match=r"asks for pg_modules\.blocks\.Block"):
        open_foreign(tmp_path / "a.pkl")


def test_a_modules_own_state_dict_with_its_metadata(tmp_path):
    layer = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    torch.save(layer.state_dict(), tmp_path / "a.pth")
    same(open_foreign(tmp_path / "a.pth").networks[""].tensors, layer.state_dict())


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["f2", "f4", ">f4", "f8", "i8", "u1", "?"])
def test_arrays_and_numbers_of_numpy(protocol, kind):
    array = np.arange(6).reshape(2, 3).astype(kind)
    for given in (array, np.asfortranarray(array), array[:, ::2], array[:0]):
        found = read(pickle.dumps(given, protocol))
        assert np.array_equal(found.value, given)
        assert found.tensor.shape == given.shape
    assert read(pickle.dumps(array[1, 2], protocol)) == array[1, 2]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values(protocol):
    value = {"a": [1, -2, 2**70, 2.5, None, True, "é", b"\xff"], "b": ((), (1,), (1, 2, 3, 4)), 3: {"x"}, None: []}
    assert read(pickle.dumps(value, protocol)) == value


def test_every_type_of_storage():
    names = [name for name in known_names(Budget.of(0)) if name.endswith("Storage")]
    assert len(names) == 10
    for dtype in (torch.float64, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.bool):
        tensor = torch.tensor([0, 1, 1]).to(dtype)
        assert torch.equal(read(pickle.dumps(tensor, 4)), tensor)


def test_shared_weights_stay_within_the_budget():
    shared = torch.randn(1000)
    views = read(pickle.dumps([shared, shared, shared], 4))
    assert all(torch.equal(view, shared) for view in views)


@pytest.mark.skipif(sys.byteorder != "little", reason="the layouts are little-endian")
def test_an_old_name_of_numpy_is_known():
    raw = pickle.dumps(np.float32(2.5), 2).replace(b"numpy._core", b"numpy.core")
    assert read(raw) == 2.5
