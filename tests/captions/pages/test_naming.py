import hypothesis
import hypothesis.strategies as st
import pytest

from lrp_jax.captions.pages.naming import LONGEST, folders, safe


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("dog", "dog"),
        ("a dog!.v2", "a_dog_.v2"),
        ("../../etc/passwd", "etc_passwd"),
        (".hidden", "hidden"),
        ("..", "_"),
        ("", "_"),
        ("<img src=x>", "img_src_x"),
        ("Käse 犬", "Käse_犬"),
        ("Ka\u0308se", "Käse"),
        ("कुत्ता.png", "कुत्ता.png"),
        ("كَلْبٌ يَجْرِي", "كَلْبٌ_يَجْرِي"),
        ("dog \u0301\u0302 x", "dog_x"),
        ("q\u0301/x", "q\u0301_x"),
        ("n't", "n_t"),
        ("nul", "_nul"),
        ("Com1.jpg", "_Com1.jpg"),
        ("console", "console"),
    ],
)
def test_names_are_made_safe(text, name):
    assert safe(text) == name


@hypothesis.given(st.text())
def test_no_name_leaves_its_folder(text):
    name = safe(text)
    assert 0 < len(name.encode()) <= LONGEST
    assert "/" not in name and "\\" not in name and "\0" not in name and not name.startswith(".")


def test_images_lose_their_ending_unless_that_tells_them_apart():
    assert folders(["b/dog.jpg", "cat.png"]) == ["b_dog", "cat"]
    dog_jpg, dog_png, cat = folders(["dog.jpg", "dog.png", "cat.png"])
    assert cat == "cat" and dog_jpg != dog_png and dog_jpg.startswith("dog-") and dog_png.startswith("dog-")
    assert folders(["dog.png", "cat.png", "dog.jpg"]) == [dog_png, "cat", dog_jpg]


@hypothesis.given(st.lists(st.text(alphabet="aA./ b", min_size=1, max_size=6), unique=True, max_size=8))
def test_all_images_have_different_folders_even_where_case_does_not_count(names):
    result = folders(names)
    assert len({name.casefold() for name in result}) == len(names)
