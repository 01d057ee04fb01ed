"""A button at a pin of a Raspberry Pi that releases the shutter, through gpiozero. Needs the extra `gpio`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from faceloom.errors import FaceloomError, MissingExtra

BOUNCE_SECONDS = 0.05  # time after a change of the contact within which further changes do not count


@runtime_checkable
class ShutterButton(Protocol):
    """A button. `when_pressed` is called in a thread of the library at every press."""

    when_pressed: Callable[[], None] | None

    def close(self) -> None:
        """Give the pin back."""


def open_button(pin: int) -> ShutterButton:
    """Open the button between a pin, by its Broadcom (GPIO) number, and ground.

    Raises MissingExtra without gpiozero, FaceloomError when the machine has no such pin or another program uses it.
    """
    try:
        import gpiozero
    except ImportError as error:
        raise MissingExtra("a shutter button", "gpio") from error
    try:
        button: Any = gpiozero.Button(pin, bounce_time=BOUNCE_SECONDS)
    except (gpiozero.GPIOZeroError, OSError, RuntimeError) as error:
        raise FaceloomError(
            f"pin {pin} cannot be read: {error}", "pins have the numbers that `pinout` shows behind GPIO"
        ) from error
    opened: ShutterButton = button
    return opened
