"""Visits: the state machine, edits, friends, background work, downloads, and the views that the page receives."""
