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

    def configured_model(self, models: ModelSettings) -> str:
        """The encoder that the settings ask for."""
        return models.image if self.name == "image" else models.text


MODALITIES: dict[str, Modality] = {
    modality.name: modality
    for modality in (
        Modality("image", "figure_vectors", "figure_id"),
        Modality("text", "text_vectors", "figure_id"),
        Modality("passage", "passage_vectors", "passage_id"),
    )
}
