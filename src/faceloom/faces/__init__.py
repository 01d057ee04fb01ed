"""Face detection, FFHQ alignment, tracking and paste-back. Works on pixels and landmarks, not on latents."""
