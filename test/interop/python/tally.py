"""What a reader has seen, and what it prints of it: one JSON document, for client.ts to judge."""

import json
import sys


class Tally:
    def __init__(self):
        self.values = []
        self.last = {}
        self.complete = True
        self.ordered = True

    def add(self, partition, offset, key, value, headers):
        self.values.append(value.decode())
        self.complete = self.complete and key is not None and dict(headers or []).get("origin") is not None
        self.ordered = self.ordered and offset > self.last.get(partition, -1)
        self.last[partition] = offset

    def answer(self, committed):
        return {
            "read": len(self.values),
            "distinct": len(set(self.values)),
            "complete": self.complete,
            "ordered": self.ordered,
            "committed": committed,
        }


def records(count, origin):
    return ((f"k{n % 10}".encode(), f"v{n}".encode(), [("origin", origin.encode())]) for n in range(count))


def run(commands):
    bootstrap, command, *args = sys.argv[1:]
    print(json.dumps(commands[command](bootstrap, *args)))
