#!/usr/bin/env python3
"""Reads the golden files by docs/wire.md alone, and compares them with the JSON beside them.

    python3 tests/wire.py [folder]

Knows every type but documents; prints what it skips, and fails on the first difference.
"""
import json
import pathlib
import struct
import sys
import uuid


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def bytes(self, length):
        if self.at + length > len(self.data):
            raise ValueError("truncated")
        self.at += length
        return self.data[self.at - length:self.at]

    def byte(self):
        return self.bytes(1)[0]

    def varint(self):
        number, shift = 0, 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                assert byte or shift == 7, "more bytes than it needs"
                return number

    def zigzag(self):
        number = self.varint()
        return number >> 1 if number & 1 == 0 else ~(number >> 1)

    def replica(self):
        head = self.byte()
        name = self.bytes(head & ~32)
        assert not name.endswith(b"\0")
        life = self.varint() if head & 32 else 0
        assert bool(life) == bool(head & 32)
        if name and all(0x21 <= byte <= 0x7E and byte != 0x23 for byte in name):
            text = name.decode()
        else:
            text = str(uuid.UUID(bytes=name.ljust(16, b"\0")))
        return f"{text}#{life}" if life else text

    def replicas(self):
        return [self.replica() for _ in range(self.varint())]


def offsets(read, count):
    width = read.byte()
    return [int.from_bytes(read.bytes(width), "little") for _ in range(count)]


def bits(read, count):
    packed = int.from_bytes(read.bytes((count + 7) // 8), "little")
    assert packed >> count == 0
    return [bool(packed >> at & 1) for at in range(count)]


def times(read, count):
    listed, last = [], 0
    for _ in range(read.varint() + 1 if count else 0):
        length = read.varint() + 1
        last = (last + read.zigzag()) % 2**64
        listed += [last] * length
    assert len(listed) == count
    return listed


def lanes(read):
    """For each replica the runs of counters seen, and the counters alive."""
    found = {}
    replicas = read.replicas()
    for replica in replicas:
        last, state, seen, alive = read.varint(), "unseen", [], []
        for _ in range(read.varint() + 1):
            run = read.varint()
            others = {"unseen": ("dead", "alive"), "dead": ("unseen", "alive"), "alive": ("unseen", "dead")}
            before, state = state, others[state][run & 1]
            first, last = last + 1, last + (run >> 1) + 1
            if state != "unseen" and before == "unseen":
                seen.append([first, last])
            elif state != "unseen":
                seen[-1][1] = last
            if state == "alive":
                alive.append((first, last))
        assert state != "unseen" and last < 2**64
        found[replica] = (seen, alive)
    return found


NATURALS, INTEGERS = (0x23, 0x24, 0x25), (0x28, 0x29, 0x2A)


def column(read, schema, count):
    tag, parts = schema
    if count == 0:
        return []
    if tag in NATURALS + INTEGERS:
        least = read.varint() if tag in NATURALS else read.zigzag()
        return [least + offset for offset in offsets(read, count)]
    if tag in (0x22, 0x27):
        return [int.from_bytes(read.bytes(1), "little", signed=tag == 0x27) for _ in range(count)]
    if tag in (0x20, 0x21):
        return [bit if tag == 0x21 else None for bit in bits(read, count)]
    if tag == 0x2C:
        return [read.bytes(length).decode() for length in column(read, (0x25, []), count)]
    if tag == 0x19:
        lengths = column(read, (0x25, []), count)
        items = iter(column(read, parts[0], sum(lengths)))
        return [[next(items) for _ in range(length)] for length in lengths]
    if tag == 0x10:
        there = bits(read, count)
        some = iter(column(read, parts[0], sum(there)))
        return [next(some) if is_there else None for is_there in there]
    if tag in (0x11, 0x12):
        return column(read, parts[0], count)
    if 0x15 <= tag <= 0x18:
        return [list(values) for values in zip(*[column(read, part, count) for part in parts])]
    if tag == 0x0E:
        keys, values = (column(read, part, count) for part in parts)
        rows = zip(keys, values, times(read, count))
        return [{"key": key, "time": time, "value": value} for key, value, time in rows]
    if tag == KEYED:
        codes, named = [], 0
        for _ in range(count):
            codes.append(named - read.varint())
            named += codes[-1] == named
        keys = column(read, parts[0], named)
        assert len(set(map(str, keys))) == named, "a key is listed twice"
        return [{"key": keys[code], "write": write} for code, write in zip(codes, column(read, parts[1], count))]
    if tag == TIMED:
        values = column(read, parts[0], count)
        return [{"time": time, "value": value} for value, time in zip(values, times(read, count))]
    if tag == COUNT:
        starts = [read.varint() for _ in range(count)]
        return [{"tally": {"start": start, "sum": read.zigzag()}} if start else {"note": notes(read)} for start in starts]
    return [body(read, schema) for _ in range(count)]


# What lives in a `CausalMap`, by names of our own.
KEYED, TIMED, COUNT = 0x161, 0x104, 0x103


def write_of(schema):
    """What one write to a value of this type is."""
    tag, parts = schema
    if tag == 0x61:
        return KEYED, [parts[0], write_of(parts[1])]
    return {0x03: (COUNT, []), 0x04: (TIMED, parts), 0x06: (0x20, [])}.get(tag) or parts[0]


def notes(read):
    found = []
    for _ in range(read.varint() + 1):
        replica, start = read.replica(), read.varint() + 1
        found.append({"replica": replica, "start": start, "last": start + read.varint(), "sum": read.zigzag()})
    return found


def body(read, schema):
    tag, parts = schema
    if tag == 0x63:
        givers = read.replicas()
        granted = {giver: body(read, (0x02, [])) for giver in givers}
        return {"granted": granted, "used": body(read, (0x02, []))}
    if tag in (0x01, 0x02):
        replicas = read.replicas()
        return {replica: read.varint() + 1 for replica in replicas}
    if tag == 0x03:
        replicas = read.replicas()
        up, down = ({id: read.varint() for id in replicas} for _ in range(2))
        some = lambda counts: {id: count for id, count in counts.items() if count}
        return {"increments": some(up), "decrements": some(down)}
    if tag == 0x60:
        replicas = read.replicas()
        closed, open, until = ([read.varint() for _ in replicas] for _ in range(3))
        assert len({id.split("#")[0] for id in replicas}) == len(replicas), "two lives of one name"
        assert all("#" in row[0] or any(row[1:]) for row in zip(replicas, closed, open, until))
        rows = zip(replicas, closed, open, until)
        return {id: {"opened": c + o, "closed": c, "until": t or None} for id, c, o, t in rows}
    if tag in (0x64, 0x65, 0x66):
        replicas = read.replicas()
        until = [read.varint() for _ in replicas]
        assert len({id.split("#")[0] for id in replicas}) == len(replicas), "two lives of one name"
        entry = (0x0D, []) if tag == 0x66 else (0x0B, [(0x16, parts)])
        lives = {id: {"until": t or None, "entries": body(read, entry)} for id, t in zip(replicas, until)}
        writers = lambda held: held["seen"] if tag == 0x66 else held
        assert all(set(writers(life["entries"])) <= {id} for id, life in lives.items()), "by another"
        assert all("#" in id or it["until"] or writers(it["entries"]) for id, it in lives.items())
        return lives
    if tag == 0x04:
        epoch = read.varint()
        if epoch == 0:
            return None
        written = {"time": read.varint(), "replica": read.replica()}
        told = {"epoch": epoch - 1} if epoch > 1 else {}
        return {**told, "written": written, "value": column(read, parts[0], 1)[0]}
    if tag in (0x05, 0x06, 0x07, 0x08, 0x0B, 0x32, 0x33, 0x34, 0x35, 0x61, 0x62):
        nothing, entry = (0x20, []), (0x0E, parts)
        below = lambda: write_of((0x61, parts))
        payload = below() if tag > 0x60 else {0x06: nothing, 0x35: nothing, 0x08: entry, 0x33: entry}.get(tag) or parts[0]
        known = lanes(read)
        dots = [(id, at) for id, (_, alive) in known.items() for run in alive for at in range(run[0], run[1] + 1)]
        live = {id: [] for id in known}
        for (id, counter), value in zip(dots, column(read, payload, len(dots))):
            live[id].append([counter, value])
        return {id: {"seen": seen, "live": live[id]} for id, (seen, _) in known.items()}
    if tag == 0x0C:
        return {id: seen for id, (seen, _) in lanes(read).items()}
    if tag in (0x0D, 0x36):
        known = lanes(read)
        runs = lambda alive: [list(run) for run in alive]
        return {
            "seen": {id: seen for id, (seen, _) in known.items()},
            "live": {id: runs(alive) for id, (_, alive) in known.items() if alive},
        }
    if tag in (0x13, 0x14):
        count = read.varint()
        keys = column(read, parts[0], count)
        return dict(zip(map(str, keys), column(read, parts[1], count))) if tag == 0x13 else keys
    if tag in (0x2D, 0x2E):
        return read.replica() if tag == 0x2D else read.varint()
    if tag == 0x2F:
        return {"time": read.varint(), "replica": read.replica()}
    if tag == 0x30:
        return {"replica": read.replica(), "counter": read.varint() + 1}
    if tag == 0x31:
        return json_value(read)
    if tag == 0x37:
        return read.bytes(16).hex()
    if tag == 0x50:
        at = column(read, (0x10, [(0x25, [])]), 1)[0]
        state, count = body(read, parts[0]), read.varint()
        last, less = (column(read, (0x25, []), count) for _ in range(2))
        deltas = column(read, (DELTAS.get(parts[0][0], parts[0][0]), parts[0][1]), count)
        firsts = [position - by for position, by in zip(last, less)]
        return {"from": at, "state": state, "deltas": [list(row) for row in zip(firsts, last, deltas)]}
    if tag == 0x51:
        number, told = read.varint(), read.byte()
        heard = read.varint() if told & 1 else None
        position = lambda: {"timeline": read.varint(), "offset": read.varint()}
        head, received = (position() if told & bit else None for bit in (2, 4))
        return {"number": number, "heard": heard, "head": head, "received": received}
    if tag in (0x09, 0x0A):
        raise NotImplementedError
    return column(read, schema, 1)[0]


def json_value(read):
    kind = read.byte()
    if kind in (0, 1, 2):
        return [None, False, True][kind]
    if kind == 3:
        return read.varint()
    if kind == 4:
        return -1 - read.varint()
    if kind == 5:
        return struct.unpack("<d", read.bytes(8))[0]
    if 64 <= kind < 128:
        return kind - 64
    if 128 <= kind < 144:
        return read.zigzag() / 10 ** (kind - 128)
    text = lambda: read.bytes(read.varint()).decode()
    if kind == 6:
        return text()
    if kind == 8:
        return [json_value(read) for _ in range(read.varint())]
    assert kind == 7, f"a value of kind {kind}"
    return {text(): json_value(read) for _ in range(read.varint())}


def fingerprint(data):
    """SipHash-2-4 with 128 bits and without a key."""
    word = 2**64 - 1
    turn = lambda x, by: (x << by | x >> 64 - by) & word
    v = [0x736F6D6570736575, 0x646F72616E646F6D ^ 0xEE, 0x6C7967656E657261, 0x7465646279746573]

    def rounds(count):
        for _ in range(count):
            v[0], v[2] = (v[0] + v[1]) & word, (v[2] + v[3]) & word
            v[1], v[3] = turn(v[1], 13) ^ v[0], turn(v[3], 16) ^ v[2]
            v[0] = turn(v[0], 32)
            v[2], v[0] = (v[2] + v[1]) & word, (v[0] + v[3]) & word
            v[1], v[3] = turn(v[1], 17) ^ v[2], turn(v[3], 21) ^ v[0]
            v[2] = turn(v[2], 32)

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) % 256])
    for (block,) in struct.iter_unpack("<Q", padded):
        v[3] ^= block
        rounds(2)
        v[0] ^= block
    halves = []
    for at, mark in ((2, 0xEE), (1, 0xDD)):
        v[at] ^= mark
        rounds(4)
        halves.append(v[0] ^ v[1] ^ v[2] ^ v[3])
    return "".join(f"{half:016x}" for half in halves)


PARTS = {0x04: 1, 0x05: 1, 0x07: 1, 0x08: 2, 0x0B: 1, 0x0E: 2, 0x10: 1, 0x11: 1, 0x12: 1, 0x13: 2,
         0x14: 1, 0x15: 1, 0x16: 2, 0x17: 3, 0x18: 4, 0x19: 1, 0x32: 1, 0x33: 2, 0x34: 1, 0x50: 1,
         0x61: 2, 0x62: 2, 0x64: 2, 0x65: 2}
DELTAS = {0x05: 0x34, 0x06: 0x35, 0x07: 0x32, 0x08: 0x33, 0x61: 0x62, 0x64: 0x65}


def schema(read):
    tag = read.byte()
    return tag, [schema(read) for _ in range(PARTS.get(tag, 0))]


def main():
    beside = pathlib.Path(__file__).parent / "golden" / "v1"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else beside
    agreed, skipped = 0, []
    for path in sorted(folder.glob("*.bin")):
        read = Reader(path.read_bytes())
        assert read.bytes(3) == b"\xf9j\1", path
        try:
            value = body(read, schema(read))
        except NotImplementedError:
            skipped.append(path.stem)
            continue
        assert read.at == len(read.data), f"{path}: something follows"
        expected = json.loads(path.with_suffix(".json").read_text())
        assert value == expected, f"{path}:\n{value}\nis not\n{expected}"
        agreed += 1
    if folder == beside:
        told = json.loads((beside / "fingerprint.json").read_text())
        assert fingerprint((beside / "pn_counter.bin").read_bytes()) == told, "the fingerprint of pn_counter"
    print(f"{agreed} golden files read as their JSON; skipped, for they are JSON documents: {', '.join(skipped)}")
    assert agreed > 40


main()
