"""How many rows of a head survive each stage of a nested copy (two-pass-head.md, "How many bits first"). Needs numpy.

    python3 docs/two-pass-head.py MODEL.gguf [LOGITS.npy]

LOGITS.npy, of `bitnet logits -m MODEL.gguf`, gives the hidden states, as far as the head tells them apart; without it they are
normally distributed, which is what they are like in a model of random weights. "spread" as MODEL makes a head whose rows have
widely different sizes, and hidden states with 60 logits 3 to 8 deviations above the others.
"""
import struct
import sys

import numpy as np

FAILURE, CHUNK, STATES = 1e-12, 8192, 8
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


def head(path):
    """The F16 tensor output.weight, or token_embd.weight, in place."""
    with open(path, "rb") as file:
        read = lambda form: struct.unpack("<" + form, file.read(struct.calcsize(form)))[0]
        text = lambda: file.read(read("Q")).decode()

        def value(kind):
            if kind == 8:
                return text()
            if kind == 9:
                inner, count = read("I"), read("Q")
                return [text() for _ in range(count)] if inner == 8 else file.read(SIZES[inner] * count)
            return int.from_bytes(file.read(SIZES[kind]), "little")

        file.read(8)
        tensors, pairs = read("Q"), read("Q")
        metadata = {}
        for _ in range(pairs):
            key = text()
            metadata[key] = value(read("I"))
        found = {}
        for _ in range(tensors):
            name = text()
            dims = [read("Q") for _ in range(read("I"))]
            found[name] = (dims, read("I"), read("Q"))
        alignment = metadata.get("general.alignment", 32)
        base = -(-file.tell() // alignment) * alignment
    (cols, rows), kind, offset = found.get("output.weight", found["token_embd.weight"])
    assert kind == 1, "the head is not F16"
    return np.memmap(path, np.float16, "r", base + offset, (rows, cols))


def spread(random, rows=128256, cols=2560):
    sizes = 0.02 * np.exp(0.3 * random.standard_normal((rows, 1)))
    e = np.empty((rows, cols), np.float16)
    for i in range(0, rows, CHUNK):
        e[i:i + CHUNK] = random.standard_normal(e[i:i + CHUNK].shape, np.float32) * sizes[i:i + CHUNK]
    h = random.standard_normal((STATES, cols)).astype(np.float32)
    for state in h:
        for row, deviations in zip(random.choice(rows, 60, replace=False), np.linspace(8, 3, 60)):
            unit = e[row].astype(np.float32)
            state += deviations * unit / np.linalg.norm(unit)
    return e, h


def survivors(e, h, low_bits, random):
    """Four bits, of which the lowest low_bits come in a second plane; the dither is uniform over the step of the first."""
    rows, cols = e.shape
    width = 2 ** low_bits
    dither = (random.random(cols, np.float32) - 0.5) * width
    logits = np.empty((rows, len(h)), np.float32)
    coarse, fine, steps = np.empty_like(logits), np.empty_like(logits), np.empty((rows, 1), np.float32)
    for i in range(0, rows, CHUNK):
        part = slice(i, i + CHUNK)
        weights = e[part].astype(np.float32)
        step = np.abs(weights).max(1, keepdims=True) / (8 - width / 2)
        codes = np.clip(np.floor(weights / step + 8 + dither), 0, 15)
        logits[part] = weights @ h.T
        coarse[part] = step * ((np.floor(codes / width) * width + width / 2 - 8 - dither) @ h.T)
        fine[part] = step * ((codes + 0.5 - 8 - dither) @ h.T)
        steps[part] = step
    deviation = steps * np.linalg.norm(h, axis=1) / np.sqrt(12)
    stages = 2 if low_bits else 1
    for count in (1, 40):
        z = np.sqrt(2 * np.log(count * stages / FAILURE))
        least = np.sort(logits, axis=0)[-count]
        first = coarse + z * width * deviation >= least
        both = first & (fine + z * deviation >= least)
        print(f"{4 - low_bits} + {low_bits} bits, k = {count}: {first.sum(0).mean():.0f} ({first.sum(0).max()}) after the first plane, "
              f"{both.sum(0).mean():.0f} ({both.sum(0).max()}) after both, of {rows}")
    beyond = ((logits - coarse) / (width * deviation) > np.sqrt(2 * np.log(100))).mean()
    print(f"    beyond the bound of failure 1e-2: {beyond:.2e}, 1.2e-3 for a normal error")


if __name__ == "__main__":
    generator = np.random.default_rng(7)
    if sys.argv[1] == "spread":
        matrix, states = spread(generator)
    else:
        matrix = head(sys.argv[1])
        if len(sys.argv) > 2:
            states = np.linalg.lstsq(matrix.astype(np.float64), np.load(sys.argv[2]).T, rcond=None)[0].T[:64].astype(np.float32)
        else:
            states = generator.standard_normal((STATES, matrix.shape[1]), np.float32)
    for bits in (0, 1, 2):
        survivors(matrix, states, bits, generator)
