"""Inversion: find the latent code of a photo, by encoder, by optimization and by pivotal tuning."""
