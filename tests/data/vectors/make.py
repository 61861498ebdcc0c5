#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Makes the golden vectors from docs/wire.md alone: a second implementation that shares no code with the library.
"""usage: make.py          writes the vectors beside this file
       make.py --check  compares them with what is there, and the dumps in docs/wire.md; exit status 1 if they differ

Ed25519 (RFC 8032), ChaCha20-Poly1305 (RFC 8439) and XChaCha20 are written out here, slowly and plainly; BLAKE2b is the
standard library's. Nothing is secret: every key is fixed."""
import hashlib
import pathlib
import struct
import sys

# Ed25519 ----------------------------------------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != sign else x


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    return (
        (x1 * y2 + x2 * y1) * pow(1 + k, P - 2, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P) % P,
    )


def times(n, point):
    total = (0, 1)
    while n:
        if n & 1:
            total = add(total, point)
        point = add(point, point)
        n >>= 1
    return total


def pack(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y)


def sha512(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def expand(seed):
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & ((1 << 254) - 8) | 1 << 254
    return a, h[32:]


def public_of(seed):
    return pack(times(expand(seed)[0], BASE))


def sign(seed, message):
    a, prefix = expand(seed)
    public = pack(times(a, BASE))
    r = sha512(prefix, message) % L
    big_r = pack(times(r, BASE))
    s = (r + sha512(big_r, public, message) * a) % L
    return big_r + s.to_bytes(32, "little")


def torsion_point():
    """A point of order 8."""
    y = 2
    while True:
        x = recover_x(y, 0)
        if x is not None:
            t = times(L, (x, y))
            if times(4, t) != (0, 1):
                return t
        y += 1


# XChaCha20-Poly1305 -----------------------------------------------------------------------------------------------


def rounds(state):
    w = list(state)

    def quarter(a, b, c, d):
        for left, right, target, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            w[left] = (w[left] + w[right]) & 0xFFFFFFFF
            w[target] ^= w[left]
            w[target] = (w[target] << turn | w[target] >> (32 - turn)) & 0xFFFFFFFF

    for _ in range(10):
        quarter(0, 4, 8, 12), quarter(1, 5, 9, 13), quarter(2, 6, 10, 14), quarter(3, 7, 11, 15)
        quarter(0, 5, 10, 15), quarter(1, 6, 11, 12), quarter(2, 7, 8, 13), quarter(3, 4, 9, 14)
    return w


CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")


def chacha_block(key, counter, nonce):
    state = CONSTANTS + struct.unpack("<8I", key) + (counter,) + struct.unpack("<3I", nonce)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(rounds(state), state)))


def hchacha(key, nonce16):
    w = rounds(CONSTANTS + struct.unpack("<8I", key) + struct.unpack("<4I", nonce16))
    return struct.pack("<8I", *(w[0:4] + w[12:16]))


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(message), 16):
        total = (total + int.from_bytes(message[i : i + 16] + b"\1", "little")) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(key[16:], "little")) & ((1 << 128) - 1)).to_bytes(16, "little")


def xchacha_seal(key, nonce, ad, text):
    key, nonce = hchacha(key, nonce[:16]), bytes(4) + nonce[16:]
    stream = b"".join(chacha_block(key, 1 + i, nonce) for i in range(len(text) // 64 + 1))
    sealed = bytes(a ^ b for a, b in zip(text, stream))
    padded = ad + bytes(-len(ad) % 16) + sealed + bytes(-len(sealed) % 16) + struct.pack("<QQ", len(ad), len(sealed))
    return sealed + poly1305(chacha_block(key, 0, nonce)[:32], padded)


# The formats ------------------------------------------------------------------------------------------------------


def short(text):
    return bytes([len(text)]) + text


def blake(size, data, **more):
    return hashlib.blake2b(data, digest_size=size, **more).digest()


def network_id(name):
    return blake(16, b"peerkit/network/1\0" + name)


def key_id(network_key):
    return blake(16, b"peerkit/key-id/1\0", key=network_key)[:4]


def suite_key(network_key, suite):
    return blake(32, b"", key=network_key, salt=struct.pack("<Q", suite), person=b"peerkit1")


def announcement(seed, network, unsigned):
    return unsigned + sign(seed, b"peerkit/announcement/1\0" + network + unsigned)


def broadcast(seed, network, sequence_of, topic, payload):
    unsigned = public_of(seed)[:8] + struct.pack(">QQ", *sequence_of) + short(topic) + payload
    return unsigned + sign(seed, b"peerkit/broadcast/1\0" + network + unsigned)


def entry(seed, network, version, erased, key, value):
    unsigned = public_of(seed)[:8] + struct.pack(">QB", version, erased) + short(key) + value
    return unsigned + sign(seed, b"peerkit/entry/1\0" + network + unsigned)


def fingerprint(node, incarnation, record):
    """What one version of a member counts in digests."""
    word = (1 << 64) - 1

    def mixed(z):
        z = z + 0x9E3779B97F4A7C15 & word
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & word
        z = (z ^ z >> 27) * 0x94D049BB133111EB & word
        return z ^ z >> 31

    mark = int.from_bytes(record[-64:-56], "big")
    return mixed(mixed(mixed(int.from_bytes(node[:8], "big")) ^ incarnation) ^ mark)


def message(kind, body):
    return struct.pack(">BH", kind, len(body)) + body


def frame(suite, key, head, network, receiver, binding, plain):
    """`key` is the network key, or None for the open suite; `binding` (24 bytes, index, direction) or None."""
    sender, session, counter, random = head
    flags = suite | (0x10 if receiver else 0) | (0x20 if binding else 0)
    before = struct.pack(">BB", 1, flags) + (key_id(key) if key else bytes(4)) + sender
    nonce = struct.pack(">QQQ", session, counter, random)
    ad = before + network + (receiver or bytes(32))
    if binding:
        ad += binding[0] + struct.pack(">IB", binding[1], binding[2])
    if suite == 1:
        return before + nonce + xchacha_seal(suite_key(key, 1), nonce, ad, plain)
    return before + nonce + plain + blake(16, nonce + struct.pack(">Q", len(ad)) + ad + plain, key=network)


# The vectors ------------------------------------------------------------------------------------------------------


def vectors():
    name = b"example"
    network = network_id(name)
    key = bytes(range(0x80, 0xA0))
    seed, other_seed = bytes(range(32)), bytes(range(32, 64))
    me, you = public_of(seed), public_of(other_seed)
    incarnation = 1_700_000_000_000_000

    fixed = struct.pack(">QHH", incarnation, 9000, 8000)
    full = b"".join(
        [
            b"\1\0" + me + fixed + short(b"db1") + short(b"1.2.0"),
            b"\2" + bytes([0x14, 192, 0, 2, 7, 0, 0]),
            bytes([0x26]) + bytes.fromhex("fd7a115ca1e000000000000000000007") + struct.pack(">H", 9100),
            b"\2" + short(b"backend") + short(b"worker"),
            b"\1" + short(b"ssd"),
            b"\2" + short(b"rack") + short(b"r17") + short(b"zone") + short(b""),
            b"\1" + short(b"sql") + struct.pack(">HBI", 5432, 1, 1_700_000_000) + short(b"primary"),
        ]
    )
    least = b"\1\1" + me + struct.pack(">QHH", 1, 1, 0) + short(b"a") + short(b"") + bytes(5)
    yield "record.txt", "Announcement records, signed with the seed.", [
        ("network_name", name),
        ("network_id", network),
        ("seed", seed),
        ("id", me),
        ("full", announcement(seed, network, full)),
        ("least_left", announcement(seed, network, least)),
    ]

    mine = fingerprint(me, incarnation, announcement(seed, network, full))
    ping = message(1, struct.pack(">QQI", 0x1122334455667788, incarnation, 7))
    suspect = message(6, you[:8] + struct.pack(">QB", 42, 2) + struct.pack(">QQ", 7, 9))
    spoken = broadcast(seed, network, (incarnation, 3), b"chat", b"hello")
    life = struct.pack(">Q", 42)
    asked = life + struct.pack(">QBI", 0x1122334455667788, 1, 2000) + short(b"chat") + b"hello"
    answered = struct.pack(">QB", 0x1122334455667788, 0) + b"hello"
    ranges = b"\0" + me[:8] + struct.pack(">QQQ", incarnation, 3, 5) + b"\1" + struct.pack(">QQQQ", 7, 9, 1, 1)
    yield "user_messages.txt", "Bodies that carry user data; the broadcast is signed with the seed of record.txt.", [
        ("payload", b"hello"),
        ("broadcast", spoken),
        ("user_message", life + short(b"chat") + b"hello"),
        ("request", asked),
        ("response", answered),
        ("ranges", ranges),
    ]

    put = entry(seed, network, incarnation, 0, b"shard/7", b"ready")
    gone = entry(seed, network, incarnation + 1, 1, b"shard/8", b"")
    marks = me[:8] + b"\1" + struct.pack(">III", mine & 0xFFFFFFFF, 3, 0x80000000)
    yield "entries.txt", "Entries of a member's map, signed with the seed of record.txt; which of them are held.", [
        ("put", put),
        ("erased", gone),
        ("marks", marks),
    ]

    everything = b"".join(
        [
            ping,
            message(2, struct.pack(">QQI", 0x1122334455667788, incarnation, 8)),
            message(3, struct.pack(">Q", 0x99)),
            message(4, struct.pack(">Q", 0xAA) + you[:8]),
            message(5, announcement(seed, network, full)),
            suspect,
            message(7, you[:8] + struct.pack(">QB", 42, 1) + struct.pack(">Q", 7)),
            message(8, you[:8] + struct.pack(">Q", 0)),
            message(9, struct.pack(">QQI", 0xBB, incarnation, 0xFFFFFFFF)),
            message(10, struct.pack(">Q", 0xCC) + you[:8] + struct.pack(">Q", 42)),
            message(11, struct.pack(">Q", 0xCC)),
            message(12, struct.pack(">Q", 0xDD)),
            message(13, struct.pack(">QI", incarnation, 9)),
            message(16, b"\3"),
            message(17, struct.pack(">I", 1)),
            message(20, struct.pack(">BIQ", 1, 2, (mine + 5) % 2**64)),
            message(21, struct.pack(">BIB", 2, 0, 1) + me[:8] + struct.pack(">QI", incarnation, mine & 0xFFFFFFFF)),
            message(22, struct.pack(">BBIII", 2, 1, 0, mine & 0xFFFFFFFF, 0) + struct.pack(">III", 1, 5, 0)),
            message(23, you[:8] + struct.pack(">Q", 0)),
            message(32, life + struct.pack(">I", 250) + spoken),
            message(33, life + short(b"chat") + b"hello"),
            message(34, asked),
            message(35, answered),
            message(36, ranges),
            message(37, ranges),
            message(48, put),
            message(49, marks),
            message(128, b"\4" + bytes([192, 0, 2, 7]) + struct.pack(">H", 9100)),
            message(200, b"skipped"),
        ]
    )
    yield "messages.txt", "One packet with every message, and one of a type to be skipped.", [("packet", everything)]

    head = (me[:8], incarnation, 5, 0x0123456789ABCDEF)
    yield "datagram.txt", "Datagrams from id to receiver; session, counter and random are those in the head.", [
        ("network_id", network),
        ("network_key", key),
        ("key_id", key_id(key)),
        ("suite_key", suite_key(key, 1)),
        ("receiver", you),
        ("plain", ping + suspect),
        ("sealed", frame(1, key, head, network, you, None, ping + suspect)),
        ("sealed_for_anyone", frame(1, key, head, network, None, None, ping)),
        ("open", frame(0, None, head, network, you, None, ping + suspect)),
    ]

    begin, end = message(16, b"\1"), message(17, struct.pack(">I", 0))
    first = frame(1, key, head, network, you, (bytes(24), 0, 0), begin)
    bound = first[14:38]
    answer = (you[:8], 77, 1, 0xFEDCBA9876543210)
    second = (me[:8], incarnation, 6, 0x0F0F0F0F0F0F0F0F)
    replied = frame(1, key, answer, network, me, (bound, 0, 1), message(16, b"\2"))
    ended = frame(1, key, second, network, you, (bound, 1, 0), end)
    yield "stream.txt", "A stream: the dialer's bytes and the acceptor's, with their length prefixes.", [
        ("network_id", network),
        ("network_key", key),
        ("dialer", me),
        ("acceptor", you),
        ("from_dialer", b"".join(struct.pack(">I", len(f)) + f for f in (first, ended))),
        ("from_acceptor", struct.pack(">I", len(replied)) + replied),
    ]

    yield "signatures.txt", "What an Ed25519 verifier makes of edge cases; a name begins with accept or reject.", edges(
        seed, b"peerkit signature edge"
    )


    values = [(f"size_{size}", word_hash(1, pattern(size)).to_bytes(8, "big")) for size in (0, 1, 8, 31, 32, 1000)]
    yield "word_hash.txt", "The hash of the fake models over byte i = 7 * i + 1, seed 1.", values


def pattern(size):
    return bytes((i * 7 + 1) & 0xFF for i in range(size))


def word_hash(seed, part):
    """Not a cryptographic hash; the simulator's, which must be the same everywhere."""
    word = (1 << 64) - 1
    start = (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89)
    lanes = [seed ^ s for s in start]

    def absorb(lane, value):
        value = lanes[lane] ^ value * 0xC2B2AE3D27D4EB4F & word
        lanes[lane] = ((value << 29 | value >> 35) & word) * 0x9E3779B97F4A7C15 & word

    def mixed(z):
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & word
        z = (z ^ z >> 27) * 0x94D049BB133111EB & word
        return z ^ z >> 31

    whole = len(part) // 8
    for i in range(whole):
        absorb(i % 4, int.from_bytes(part[8 * i : 8 * i + 8], "little"))
    absorb(whole % 4, int.from_bytes(part[8 * whole :], "little"))
    absorb(3, len(part))
    value = 0
    for lane in lanes:
        value = mixed(value ^ lane)
    return value


def edges(seed, text):
    """Signatures on which implementations differ: name, then public key, signature and message in one value."""
    a, _ = expand(seed)
    public, good = public_of(seed), sign(seed, text)
    r, s = good[:32], int.from_bytes(good[32:], "little")
    t8 = torsion_point()
    zero = bytes(32)

    def case(name, key, signature, said=text):
        return name, key + signature + said

    yield case("accept_plain", public, good)
    yield case("accept_empty_message", public, sign(seed, b""), b"")
    yield case("reject_all_zero_signature", public, bytes(64))
    yield case("reject_all_zero_key_and_signature", zero, bytes(64))
    yield case("reject_s_plus_l", public, r + (s + L).to_bytes(32, "little"))
    yield case("reject_s_is_l", public, r + L.to_bytes(32, "little"))
    yield case("reject_other_key", public_of(seed[::-1]), good)
    yield case("reject_other_message", public, good, text + b".")

    # Under a key of small order R = B, S = 1 satisfies the bare equation for every message (where h * A vanishes).
    for number in range(8):
        point = times(number, t8)
        yield case(f"reject_small_order_key_{number}", pack(point), pack(BASE) + (1).to_bytes(32, "little"))
    yield case("reject_non_canonical_identity_key", (P + 1).to_bytes(32, "little"), pack(BASE) + (1).to_bytes(32, "little"))
    # R of small order with the S that the holder of the key can make for it.
    neutral = pack((0, 1))
    small_r = sha512(neutral, public, text) * a % L
    yield case("reject_small_order_r", public, neutral + small_r.to_bytes(32, "little"))

    # A key with a small-order part: the bare equation holds only where h is a multiple of 8, the cofactored one always.
    mixed = add(times(a, BASE), t8)
    seen = set()
    for nonce in range(1, 1000):
        big_r = pack(times(nonce, BASE))
        h = sha512(big_r, pack(mixed), text) % L
        kind = "accept_mixed_order_key_both_equations" if h % 8 == 0 else "reject_mixed_order_key_cofactored_only"
        if kind not in seen:
            seen.add(kind)
            yield case(kind, pack(mixed), big_r + ((nonce + h * a) % L).to_bytes(32, "little"))
        if len(seen) == 2:
            break


def text_of(purpose, values):
    lines = [f"# {purpose} Made by make.py; fixed keys, nothing is secret."]
    lines += [f"{name} = {value.hex()}" for name, value in values]
    return "\n".join(lines) + "\n"


def dumps(page):
    """The bytes of each annotated dump: hexadecimal digits up to two blanks in a row, on indented lines."""
    found = []
    for section in page.read_text().split(", annotated\n")[1:]:
        section = section.split("\n## ")[0]
        for block in section.split("\n\n"):
            rows = [line[4:].strip().split("  ")[0] for line in block.splitlines() if line.startswith("    ")]
            if rows:
                found.append(bytes.fromhex("".join(rows)))
    return found


def main():
    here = pathlib.Path(__file__).resolve().parent
    wrong = 0
    everything = [(name, purpose, list(values)) for name, purpose, values in vectors()]
    for name, purpose, values in everything:
        text = text_of(purpose, values)
        if "--check" in sys.argv[1:]:
            if not (here / name).is_file() or (here / name).read_text() != text:
                print(f"{name} is not what make.py makes")
                wrong = 1
        else:
            (here / name).write_text(text)
    made = {key: value for _, _, values in everything for key, value in values}
    if "--check" in sys.argv[1:] and dumps(here.parents[2] / "docs/wire.md") != [made[n] for n in ("full", "sealed", "plain")]:
        print("docs/wire.md: an annotated dump is not the vector it names")
        wrong = 1
    return wrong


sys.exit(main())
