"""Give a notice, deliver it, and decide what became of a mail where the machine cannot know."""

from .delivering import deliver_chunk, due_chunks, release_lapsed
from .giving import NotWorded, give_notice
from .resolving import NotOpen, confirm_delivery, send_again

__all__ = [
    "NotOpen",
    "NotWorded",
    "confirm_delivery",
    "deliver_chunk",
    "due_chunks",
    "give_notice",
    "release_lapsed",
    "send_again",
]
