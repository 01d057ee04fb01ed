"""Marks of origin, which faceloom writes into the pictures and films that it makes, and reads back.

There are three layers, which fail in different ways: metadata (`source_type`), an invisible watermark in the pixels
(`payload`, `watermark`, `watermark_reader`), and signed content credentials (`keys`, `credentials`). Generators and
likenesses carry a signed card (`signatures`).
"""
