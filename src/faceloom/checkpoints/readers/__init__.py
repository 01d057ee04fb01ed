"""Readers of foreign file formats: networks as `LoadedNetwork`, encoders, latents, directions and published weights."""
