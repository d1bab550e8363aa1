"""Small checkpoints of the real architectures with random weights, made on the spot."""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase
from typing import Any

_TOWER = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}


def clip_checkpoint(folder: Path, side: int = 32) -> Path:
    """CLIP with a letter tokenizer: 48 dimensions, texts of at most 16 tokens."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

    torch.manual_seed(7)
    words = [*ascii_lowercase, *(f"{c}</w>" for c in ascii_lowercase), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    text = {
        **_TOWER,
        "vocab_size": len(words),
        "max_position_embeddings": 16,
        "bos_token_id": vocabulary["<|startoftext|>"],
        "eos_token_id": vocabulary["<|endoftext|>"],
    }
    vision = {**_TOWER, "image_size": side, "patch_size": 8}
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=48))
    tell_apart(model.vision_model, sharpness=5.0)
    model.save_pretrained(folder)
    images = CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
    CLIPProcessor(images, CLIPTokenizer(vocab=vocabulary, merges=[])).save_pretrained(folder)
    return folder


def tell_apart(tower: Any, sharpness: float = 7.0) -> None:
    """Sharpen a randomly started image tower so that different drawings get clearly different vectors.

    As it starts, its class token averages all patches, nearly all of them white: any two drawings have a
    cosine of 0.9997, and a comparison of vectors would show nothing. Much sharper and it is chaotic: the
    rounding of a resampling decides which patch wins.
    """
    import torch

    with torch.no_grad():
        tower.embeddings.patch_embedding.weight.mul_(10)
        tower.embeddings.class_embedding.zero_()
        for name, parameter in tower.encoder.named_parameters():
            if parameter.ndim == 2 and "mlp" not in name:
                parameter.mul_(sharpness if "q_proj" in name or "k_proj" in name else 5)


def siglip_checkpoint(folder: Path, side: int = 32) -> Path:
    """SigLIP's image tower and preprocessor file."""
    import torch
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel

    torch.manual_seed(7)
    text = {**_TOWER, "vocab_size": 60, "max_position_embeddings": 16}
    vision = {**_TOWER, "image_size": side, "patch_size": 8}
    SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).save_pretrained(folder)
    SiglipImageProcessor(size={"height": side, "width": side}).save_pretrained(folder)
    return folder


def sentence_checkpoint(folder: Path) -> Path:
    """A RoBERTa under sentence-transformers with mean pooling: 64 dimensions."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    torch.manual_seed(7)
    words = ["<pad>", "<s>", "</s>", "<unk>", "the", "valve", "shaft", "turns", "a", "housing", "in", "12", "holds"]
    tokenizer: Any = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", None, [("<s>", 1), ("</s>", 2)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    config = RobertaConfig(
        **_TOWER, vocab_size=len(words), max_position_embeddings=34, pad_token_id=0, initializer_range=0.2
    )
    base = folder.with_name(f"{folder.name}-transformer")
    RobertaModel(config).save_pretrained(base)
    fast.save_pretrained(base)
    transformer = Transformer(str(base), max_seq_length=24)
    model = SentenceTransformer(modules=[transformer, Pooling(64, "mean")], device="cpu")
    model.save(str(folder), create_model_card=False)
    return folder
