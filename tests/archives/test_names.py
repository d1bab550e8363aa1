import pytest

from pipeline.archives.entries import clean_name, shown
from pipeline.errors import Reason, RejectedItemError


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("DOC/EPNWA1/EP1.zip", "DOC/EPNWA1/EP1.zip"),
        ("./DOC//EPNWA1/./EP1.zip", "DOC/EPNWA1/EP1.zip"),
        ("DOC\\EPNWA1\\EP1.zip", "DOC/EPNWA1/EP1.zip"),
        ("Zeichnung ä.tif", "Zeichnung ä.tif"),
        ("b\udc81é.tif", "büé.tif"),
        ("..hidden/a..b.xml", "..hidden/a..b.xml"),
    ],
)
def test_a_path_is_brought_to_one_form(raw: str, clean: str) -> None:
    assert clean_name(raw) == clean


@pytest.mark.parametrize(
    ("raw", "trouble"),
    [
        ("/etc/passwd", "absolute"),
        ("\\share\\x", "absolute"),
        ("C:/x.xml", "drive"),
        ("c:x.xml", "drive"),
        ("../x", "climbs"),
        ("a/../../x", "climbs"),
        ("a\\..\\x", "climbs"),
        ("a.xml\0.tif", "control"),
        ("a\nb", "control"),
        ("", "empty"),
        ("./", "empty"),
        ("a.zip!/b", "nested"),
    ],
)
def test_an_unsafe_path_is_refused_with_its_trouble(raw: str, trouble: str) -> None:
    with pytest.raises(RejectedItemError, match=trouble) as error:
        clean_name(raw)
    assert error.value.reason is Reason.UNSAFE_PATH
    assert error.value.item == shown(raw)


def test_a_name_is_shown_without_control_characters() -> None:
    assert shown("a\0b\x1b[1m") == "a\\x00b\\x1b[1m"
