"""What is indexed: which table feeds which index, under which key."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.config import ModelSettings


@dataclass(frozen=True)
class Modality:
    """One index of a release. ``key`` is the table's column that names what a vector stands for."""

    name: str
    table: str
    key: str

    def configured_encoder(self, models: ModelSettings) -> tuple[str, str]:
        """The encoder that the settings ask for and its revision, empty where any will do."""
        if self.name in ("image", "region"):
            return models.image, models.image_revision
        return models.text, models.text_revision


MODALITIES: dict[str, Modality] = {
    modality.name: modality
    for modality in (
        Modality("image", "figure_vectors", "figure_id"),
        Modality("text", "text_vectors", "figure_id"),
        Modality("passage", "passage_vectors", "passage_id"),
        Modality("region", "region_vectors", "region_id"),
    )
}
