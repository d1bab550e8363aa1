"""The built-in image encoder."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.embedding.gradient_histogram import GradientHistogram
from pipeline.evaluation.full_gallery import same_document
from pipeline.pixels import decode
from tests.embedding.test_drawing import drawing
from tests.shared_data import SHARED, needs_shared


def test_vectors_have_unit_length_and_values_of_float16() -> None:
    vectors = GradientHistogram().encode([drawing(300, 400, seed) for seed in range(3)])
    assert (vectors.shape, vectors.dtype) == ((3, 512), np.float32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert np.array_equal(vectors, vectors.astype(np.float16))


def test_a_mirror_image_has_the_same_vector() -> None:
    picture = drawing(300, 400)
    one, other = GradientHistogram().encode([picture, picture[:, ::-1]])
    assert one @ other > 0.99


def test_no_drawings_give_no_vectors() -> None:
    assert GradientHistogram().encode([]).shape == (0, 512)


@pytest.mark.parametrize("shape", [(1, 1), (40, 40), (1, 300)])
def test_drawings_without_contours_inside_have_a_direction_too(shape: tuple[int, int]) -> None:
    (vector,) = GradientHistogram().encode([np.zeros(shape, np.uint8)])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)


@needs_shared
def test_other_views_of_the_same_design_are_found() -> None:
    """DeepPatent's protocol: the other sheets of the patent are relevant, the query is left out."""
    assert SHARED is not None
    files = sorted((SHARED / "design").glob("*/*.tif"))
    vectors = GradientHistogram().encode([decode(file.read_bytes(), 300) for file in files])
    found = same_document(vectors, [file.parent.name for file in files])
    assert len(found.queries) == 451
    assert found.values["mAP"].mean() > 0.32
    assert found.values["P@1"].mean() > 0.71
