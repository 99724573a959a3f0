from zoo.data.layout import class_names, class_of, image_names, splits_of


def test_only_endings_of_images_count() -> None:
    assert image_names(["a.PNG", "b.txt", "c.jpeg", "png"]) == ("a.PNG", "c.jpeg")


def test_two_folders_that_hold_everything_are_classes() -> None:
    assert class_names({}, ["cat/1.png", "dog/2.png"]) == ("cat", "dog")
    assert class_names({}, ["cat/1.png", "dog/2.png", "3.png"]) == ()
    assert class_names({}, ["cat/1.png", "cat/2.png"]) == ()


def test_buckets_of_five_digits_are_no_classes() -> None:
    assert class_names({}, ["00000/1.png", "01000/2.png"]) == ()
    assert class_names({}, ["0/1.png", "1/2.png"]) == ("0", "1")


def test_splits_need_train() -> None:
    assert splits_of(["train/1.png", "test/2.png"]) == {"train": ("train/1.png",), "test": ("test/2.png",)}
    assert splits_of(["val/1.png", "test/2.png"]) == {}
    assert splits_of(["train/1.png", "2.png"]) == {}


def test_val_without_test_is_called_test() -> None:
    assert list(splits_of(["training/1.png", "validation/2.png"])) == ["train", "test"]
    assert list(splits_of(["train/1.png", "valid/2.png", "test/3.png"])) == ["train", "val", "test"]


def test_classes_below_splits_have_one_number_in_all() -> None:
    images = ["train/cat/1.png", "train/dog/2.png", "test/dog/3.png"]
    assert class_names(splits_of(images), images) == ("cat", "dog")
    assert class_of("test/dog/3.png", 1, {"cat": 0, "dog": 1}) == 1


def test_a_flat_split_spoils_no_classes() -> None:
    images = ["train/cat/1.png", "train/dog/2.png", "val/3.png"]
    assert class_names(splits_of(images), images) == ("cat", "dog")
    assert class_of("val/3.png", 1, {"cat": 0, "dog": 1}) is None
