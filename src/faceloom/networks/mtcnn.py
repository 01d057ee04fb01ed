"""MTCNN: three small cascaded networks that detect faces and five landmarks on each. Works on tensors only.

Convention: images are float32 `[n, 3, h, w]`, RGB, -1...1; boxes `(x0, y0, x1, y1)`. Parameter names are those of the
published weights. These were trained on pictures with x and y exchanged, so the dense layers flatten the width first.
Source: Zhang et al. 2016, "Joint face detection and alignment using multitask cascaded convolutional networks", fig. 2.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

CELL = 12  # pixels; side of P-net's window
STRIDE = 2  # pixels from one window of P-net to the next
RNET_SIZE = 24  # pixels; side of R-net's input
ONET_SIZE = 48  # pixels; side of O-net's input
TRAINED_RANGE = 127.5 / 128  # the weights expect (pixels - 127.5) / 128


class PNet(nn.Module):
    """P-net (proposals): scores every 12 px window of a picture of any size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 10, 3)
        self.prelu1 = nn.PReLU(10)
        self.conv2 = nn.Conv2d(10, 16, 3)
        self.prelu2 = nn.PReLU(16)
        self.conv3 = nn.Conv2d(16, 32, 3)
        self.prelu3 = nn.PReLU(32)
        self.conv4_1 = nn.Conv2d(32, 2, 1)
        self.conv4_2 = nn.Conv2d(32, 4, 1)

    def forward(self, img: Tensor) -> tuple[Tensor, Tensor]:
        """Return each window's face probability `[n, rows, columns]` and box offsets `[n, 4, rows, columns]`.

        Convention: window (row, column) covers the pixels from (STRIDE * column, STRIDE * row), CELL wide and high;
        offsets are in units of the window.
        """
        x = self.prelu1(self.conv1(img * TRAINED_RANGE))
        x = F.max_pool2d(x, 2, 2, ceil_mode=True)
        x = self.prelu2(self.conv2(x))
        x = self.prelu3(self.conv3(x))
        return self.conv4_1(x).softmax(1)[:, 1], self.conv4_2(x)


class RNet(nn.Module):
    """R-net (refinement): scores a 24 px crop and moves its box."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 28, 3)
        self.prelu1 = nn.PReLU(28)
        self.conv2 = nn.Conv2d(28, 48, 3)
        self.prelu2 = nn.PReLU(48)
        self.conv3 = nn.Conv2d(48, 64, 2)
        self.prelu3 = nn.PReLU(64)
        self.dense4 = nn.Linear(576, 128)
        self.prelu4 = nn.PReLU(128)
        self.dense5_1 = nn.Linear(128, 2)
        self.dense5_2 = nn.Linear(128, 4)

    def forward(self, img: Tensor) -> tuple[Tensor, Tensor]:
        """Return the face probability `[n]` and box offsets `[n, 4]`, in units of the crop, of `img [n, 3, 24, 24]`."""
        x = self.prelu1(self.conv1(img * TRAINED_RANGE))
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = self.prelu2(self.conv2(x))
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = self.prelu3(self.conv3(x))
        x = self.prelu4(self.dense4(flatten_width_first(x)))
        return self.dense5_1(x).softmax(1)[:, 1], self.dense5_2(x)


class ONet(nn.Module):
    """O-net (output): scores a 48 px crop, moves its box, and locates five landmarks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3)
        self.prelu1 = nn.PReLU(32)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.prelu2 = nn.PReLU(64)
        self.conv3 = nn.Conv2d(64, 64, 3)
        self.prelu3 = nn.PReLU(64)
        self.conv4 = nn.Conv2d(64, 128, 2)
        self.prelu4 = nn.PReLU(128)
        self.dense5 = nn.Linear(1152, 256)
        self.prelu5 = nn.PReLU(256)
        self.dense6_1 = nn.Linear(256, 2)
        self.dense6_2 = nn.Linear(256, 4)
        self.dense6_3 = nn.Linear(256, 10)

    def forward(self, img: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the face probability `[n]`, box offsets `[n, 4]` and landmarks `[n, 5, 2]` of `img [n, 3, 48, 48]`.

        Convention: landmarks are (x, y) in units of the crop, from its top-left corner: viewer's-left eye, right eye,
        tip of the nose, left and right corner of the mouth.
        """
        x = self.prelu1(self.conv1(img * TRAINED_RANGE))
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = self.prelu2(self.conv2(x))
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = self.prelu3(self.conv3(x))
        x = F.max_pool2d(x, 2, 2, ceil_mode=True)
        x = self.prelu4(self.conv4(x))
        x = self.prelu5(self.dense5(flatten_width_first(x)))
        points = self.dense6_3(x).unflatten(1, (2, 5)).transpose(1, 2)  # all x, then all y -> [n 5 2]
        return self.dense6_1(x).softmax(1)[:, 1], self.dense6_2(x), points


class Mtcnn(nn.Module):
    """The three networks of the cascade; the cascade itself is in `faceloom.faces.cascade`."""

    def __init__(self) -> None:
        super().__init__()
        self.pnet = PNet()
        self.rnet = RNet()
        self.onet = ONet()


def flatten_width_first(x: Tensor) -> Tensor:
    """Flatten features `[n, c, h, w]` in the order width, height, channel."""
    return x.permute(0, 3, 2, 1).flatten(1)
