"""One reader for each file format: each turns a foreign file into a `LoadedNetwork`, latents or weights."""
