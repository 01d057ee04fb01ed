"""Images: opening untrusted files, conversion between pixels and tensors, resizing, and saving with an AI mark.

Convention: `photo` is a PIL RGB image, upright, sRGB; `pixels` uint8 `[h, w, 3]`; `img` float32 `[n, 3, h, w]`, RGB,
-1...1.
"""

from faceloom.images.photo import BACKGROUND, MAX_BYTES, MAX_PIXELS, MAX_SIDE, MIN_SIDE, Photo, open_photo
from faceloom.images.save import save_picture
from faceloom.images.sheet import make_contact_sheet
from faceloom.images.tensors import Picture, area_resize, to_img, to_photo, to_pixel_list, to_pixels

__all__ = [
    "BACKGROUND",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "MIN_SIDE",
    "Photo",
    "Picture",
    "area_resize",
    "make_contact_sheet",
    "open_photo",
    "save_picture",
    "to_img",
    "to_photo",
    "to_pixel_list",
    "to_pixels",
]
