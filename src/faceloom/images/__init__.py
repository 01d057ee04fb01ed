"""Pictures: opening a stranger's file, pixels <-> tensors, resizing, saving with a mark. Knows nothing of faces.

Convention: `photo` is a PIL RGB image, upright, sRGB; `pixels` uint8 `[h, w, 3]`; `img` float32 `[n, 3, h, w]`, RGB,
-1...1.
"""

from faceloom.images.intake import BACKGROUND, MAX_BYTES, MAX_PIXELS, MAX_SIDE, MIN_SIDE, Photo, open_photo
from faceloom.images.save import save_picture
from faceloom.images.sheet import contact_sheet
from faceloom.images.tensors import Picture, area_resize, as_photo, to_img, to_pixel_list, to_pixels

__all__ = [
    "BACKGROUND",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "MIN_SIDE",
    "Photo",
    "Picture",
    "area_resize",
    "as_photo",
    "contact_sheet",
    "open_photo",
    "save_picture",
    "to_img",
    "to_pixel_list",
    "to_pixels",
]
