"""Messages of a queue as kombu writes them, and what may lie there instead."""

import json


def a_message(task="no.such.task"):
    """What kombu 5.7.0 writes for a task of Celery 5.7.0 without arguments."""
    return {
        "body": "W1tdLCB7fSwge31d",
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"lang": "py", "task": task, "id": "a5d2b2f6-5c0c-4ac2-9a2f-2f5f4a3a7f9e"},
        "properties": {
            "delivery_tag": "6f4f8c60-1b8e-4b0f-8a3e-0d1c5b7a9e2d",
            "delivery_info": {"exchange": "", "routing_key": "sla-portal"},
            "body_encoding": "base64",
        },
    }


def without(message, *path):
    """The message with one part left out, as bytes."""
    copy = json.loads(json.dumps(message))
    part = copy
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return json.dumps(copy).encode()


def with_other(message, value, *path):
    """The message with something else in the place of one part, as bytes."""
    copy = json.loads(json.dumps(message))
    part = copy
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return json.dumps(copy).encode()


def unreadable(message):
    """Kinds of content that no reader can take for a message, made of one."""
    return {
        "empty": b"",
        "cut off": json.dumps(message).encode()[:-20],
        "not text": b"\xff\xfe\x00\x80" * 50,
        "a list": json.dumps([message]).encode(),
        "a number": b"5",
        "nested without end": b"[" * 200_000,
        "without properties": without(message, "properties"),
        "without a delivery tag": without(message, "properties", "delivery_tag"),
        "headers that are text": with_other(message, "none", "headers"),
        "a body in an unknown encoding": with_other(message, "rot13", "properties", "body_encoding"),
    }
