"""What can be asked for, by who may ask."""
