"""CLIP: two towers that place pictures and texts in one space, where a picture is near the text that describes it.

Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision". The image encoder is a
vision transformer, the text encoder a causal transformer. Modules have the names of the tensors in the files of Hugging
Face.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

Hidden = Float[Tensor, "n t width"]
Embedding = Float[Tensor, "n k"]

MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Mean and standard deviation of RGB, 0...1, of the pictures that CLIP was trained with."""


@dataclass(frozen=True)
class ClipConfig:
    """Sizes of the two towers. The defaults are those of ViT-B/32."""

    embedding: int = 512  # dimensions of the common space
    image_side: int = 224  # pixels
    patch_side: int = 32  # pixels
    image_width: int = 768  # dimensions of a patch
    image_hidden: int = 3072  # dimensions inside the perceptrons
    image_layers: int = 12
    image_heads: int = 12
    vocabulary: int = 49408  # number of tokens
    text_length: int = 77  # tokens of a text, with start and end
    text_width: int = 512
    text_hidden: int = 2048
    text_layers: int = 12
    text_heads: int = 8
    quick_gelu: bool = True  # OpenAI's approximation of GELU; False for the exact function
    epsilon: float = 1e-5  # of layer normalization


class Clip(nn.Module):
    """The image encoder, the text encoder, their projections, and the scale of the logits."""

    def __init__(self, config: ClipConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ClipConfig()
        self.vision_model = VisionTower(config)
        self.text_model = TextTower(config)
        self.visual_projection = nn.Linear(config.image_width, config.embedding, bias=False)
        self.text_projection = nn.Linear(config.text_width, config.embedding, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(2.6592))  # log(1 / 0.07)

    def embed_images(self, img: Float[Tensor, "n 3 h w"]) -> Embedding:
        """Embed pictures, -1...1, of any size: they are resized to the network's. The result has unit length."""
        side = self.config.image_side
        if img.shape[2:] != (side, side):
            img = F.interpolate(img, (side, side), mode="bicubic", antialias=True).clamp(-1, 1)
        mean, deviation = (torch.tensor(values).to(img)[:, None, None] for values in (MEAN, DEVIATION))
        x = self.vision_model(((img + 1) / 2 - mean) / deviation)
        return F.normalize(self.visual_projection(x), dim=1)

    def embed_texts(self, tokens: Int[Tensor, "n t"]) -> Embedding:
        """Embed tokens as `ClipTokenizer` returns them. The result has unit length."""
        return F.normalize(self.text_projection(self.text_model(tokens)), dim=1)

    def logits(self, images: Float[Tensor, "n k"], texts: Float[Tensor, "m k"]) -> Float[Tensor, "n m"]:
        """Compute the logits by which embeddings of pictures and texts belong together."""
        logits: Tensor = self.logit_scale.exp() * images @ texts.T
        return logits


class VisionTower(nn.Module):
    """The vision transformer: normalized pictures `[n, 3, side, side]` -> `[n, width]`, read at the class token."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        width, eps = config.image_width, config.epsilon
        self.embeddings = PatchEmbeddings(width, config.image_side, config.patch_side)
        self.pre_layrnorm = nn.LayerNorm(width, eps)  # spelled so in the files
        self.encoder = Encoder(width, config.image_hidden, config.image_layers, config.image_heads, config)
        self.post_layernorm = nn.LayerNorm(width, eps)

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n width"]:
        x = self.encoder(self.pre_layrnorm(self.embeddings(x)), is_causal=False)
        out: Tensor = self.post_layernorm(x[:, 0])
        return out


class PatchEmbeddings(nn.Module):
    """Patches of a picture as vectors, after the class token, with their positions."""

    def __init__(self, width: int, image_side: int, patch_side: int) -> None:
        super().__init__()
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.patch_embedding = nn.Conv2d(3, width, patch_side, patch_side, bias=False)
        self.position_embedding = nn.Embedding((image_side // patch_side) ** 2 + 1, width)

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Hidden:
        patches = self.patch_embedding(x).flatten(2).transpose(1, 2)  # [n t width]
        first = self.class_embedding.expand(len(x), 1, -1)
        return torch.cat((first, patches), dim=1) + self.position_embedding.weight


class TextTower(nn.Module):
    """The causal transformer: tokens `[n, t]` -> `[n, width]`, read at the end token, which has the highest number."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        width = config.text_width
        self.embeddings = TokenEmbeddings(config.vocabulary, config.text_length, width)
        self.encoder = Encoder(width, config.text_hidden, config.text_layers, config.text_heads, config)
        self.final_layer_norm = nn.LayerNorm(width, config.epsilon)

    def forward(self, tokens: Int[Tensor, "n t"]) -> Float[Tensor, "n width"]:
        x = self.final_layer_norm(self.encoder(self.embeddings(tokens), is_causal=True))
        out: Tensor = x[torch.arange(len(x)), tokens.argmax(dim=1)]  # the first of several end tokens
        return out


class TokenEmbeddings(nn.Module):
    """Tokens as vectors, with their positions."""

    def __init__(self, vocabulary: int, length: int, width: int) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.position_embedding = nn.Embedding(length, width)

    def forward(self, tokens: Int[Tensor, "n t"]) -> Hidden:
        out: Tensor = self.token_embedding(tokens) + self.position_embedding.weight[: tokens.shape[1]]
        return out


class Encoder(nn.Module):
    """The layers of a transformer."""

    def __init__(self, width: int, hidden: int, count: int, heads: int, config: ClipConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(width, hidden, heads, config) for _ in range(count))

    def forward(self, x: Hidden, is_causal: bool) -> Hidden:
        for layer in self.layers:
            x = layer(x, is_causal)
        return x


class Layer(nn.Module):
    """Attention and a perceptron, each after a normalization and added to its input."""

    def __init__(self, width: int, hidden: int, heads: int, config: ClipConfig) -> None:
        super().__init__()
        self.layer_norm1 = nn.LayerNorm(width, config.epsilon)
        self.self_attn = Attention(width, heads)
        self.layer_norm2 = nn.LayerNorm(width, config.epsilon)
        self.mlp = Perceptron(width, hidden, config.quick_gelu)

    def forward(self, x: Hidden, is_causal: bool) -> Hidden:
        x = x + self.self_attn(self.layer_norm1(x), is_causal)
        out: Tensor = x + self.mlp(self.layer_norm2(x))
        return out


class Attention(nn.Module):
    """Attention with several heads. A causal one sees earlier tokens only."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Hidden, is_causal: bool) -> Hidden:
        projected = (proj(x) for proj in (self.q_proj, self.k_proj, self.v_proj))
        q, k, v = (y.unflatten(2, (self.heads, -1)).transpose(1, 2) for y in projected)  # [n heads t d]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=is_causal)
        out: Tensor = self.out_proj(y.transpose(1, 2).flatten(2))
        return out


class Perceptron(nn.Module):
    """Two linear layers with GELU between them."""

    def __init__(self, width: int, hidden: int, quick_gelu: bool) -> None:
        super().__init__()
        self.quick_gelu = quick_gelu
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Hidden) -> Hidden:
        x = self.fc1(x)
        out: Tensor = self.fc2(x * torch.sigmoid(1.702 * x) if self.quick_gelu else F.gelu(x))
        return out
