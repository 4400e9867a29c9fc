"""How good speech sounds: clips to send, and PESQ-WB scores (ITU-T P.862.2) of what was heard of them.

    quality.py speak FOLDER     has espeak-ng speak eight clips: WAV files, 48 kHz, mono, 16 bit
    quality.py score INDEX      prints a table in Markdown from the index that `lossy-lines` wrote
    quality.py rate SENT HEARD… prints the score of each file that was heard, a line each

Synthetic speech: the scores compare two ways of the same clips, and are no absolute opinion.
"""

import math
import subprocess
import sys
import wave
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy
import pesq

TEXTS = [
    "The meeting begins at nine. Whoever comes late will find the door open, and a chair at the back of the room.",
    "She asked him twice whether the parcel had arrived, but he only shook his head and went on reading his paper.",
    "Seven boats left the harbour before dawn. By noon a strong wind had brought all but one of them home again.",
    "If you turn left behind the church, there is a narrow path to the river, which is closed after heavy rain.",
]
VOICES = ["en-gb", "en-us+f3"]
RATE = 48_000

# Two-sided 95 % points of Student's t, by degrees of freedom; 1.96 beyond.
STUDENT = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26, 15: 2.13, 23: 2.07, 31: 2.04}


def resampled(samples, before, after):
    """By its spectrum, cut off below both halves of the rates."""
    length = len(samples) * after // before
    spectrum = numpy.fft.rfft(samples)[: length // 2 + 1]
    spectrum = numpy.pad(spectrum, (0, max(0, length // 2 + 1 - len(spectrum))))
    return numpy.fft.irfft(spectrum, length) * (length / len(samples))


def read(path):
    with wave.open(str(path), "rb") as file:
        return file.getframerate(), numpy.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)


def speak(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for number, (text, voice) in enumerate((text, voice) for text in TEXTS for voice in VOICES):
        path = folder / f"speech-{number}.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", path, text], check=True)
        rate, samples = read(path)
        samples = resampled(samples, rate, RATE)
        # Speech at about -20 dBov, as from a microphone that is set well, in front of some noise of the room.
        loud = numpy.sqrt(numpy.mean(samples[numpy.abs(samples) > 300] ** 2))
        samples = samples * (3300 / loud) + numpy.random.default_rng(number).normal(0, 4, len(samples))
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(numpy.clip(samples, -32768, 32767).astype("<i2").tobytes())


def narrowed(path):
    rate, samples = read(path)
    return numpy.clip(resampled(samples, rate, 16_000), -32768, 32767).astype(numpy.int16)


def rate(sent, *heard):
    for path in heard:
        print(f"{pesq.pesq(16_000, narrowed(sent), narrowed(path), 'wb'):.3f}")


def scored(pair):
    original, heard = pair
    return pesq.pesq(16_000, narrowed(original), narrowed(heard), "wb")


def score(index):
    lines = [line.split("\t") for line in index.read_text().splitlines()]
    # Each pair once: what was heard of plain Opus is there for both ways.
    pairs = list(dict.fromkeys((original, path) for original, *heard, _, _, _ in lines for path in heard))
    with ProcessPoolExecutor() as processes:
        known = dict(zip(pairs, processes.map(scored, pairs, chunksize=4)))
    cells = {}
    for original, *heard, way, percent, copies in lines:
        cells.setdefault((way, int(percent), copies == "true"), []).append([known[original, path] for path in heard])
    print("| lost | on the way | FEC | clips | plain Opus | encoded once more | through the mixer | to plain, 95 % | to once more, 95 % |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for (way, percent, copies), scores in sorted(cells.items()):
        plain, again, mixed = numpy.array(scores).T
        fec = "yes" if copies else "no"
        means = " | ".join(f"{scored.mean():.2f}" for scored in (plain, again, mixed))
        differences = " | ".join(difference(mixed - other) for other in (plain, again))
        print(f"| {percent} % | {way} | {fec} | {len(scores)} | {means} | {differences} |")


def difference(values):
    freedom = len(values) - 1
    student = next((STUDENT[n] for n in sorted(STUDENT, reverse=True) if n <= freedom), 12.71)
    width = student * values.std(ddof=1) / math.sqrt(len(values)) if freedom > 0 else math.nan
    return f"{values.mean():+.2f} ± {width:.2f}"


if __name__ == "__main__":
    {"speak": speak, "score": score, "rate": rate}[sys.argv[1]](*map(Path, sys.argv[2:]))
