"""Speech for the demo's two simulated callers: a dialogue spoken by espeak-ng into two WAV files of the same length (16 bit,
mono, 48 kHz), each silent while the other speaks. Usage: speech.py FOLDER, which gets first.wav and second.wav."""

import pathlib
import subprocess
import sys
import tempfile
import wave

import numpy

RATE = 48_000
PAUSE = 0.5  # seconds between two turns

VOICES = {"first": ["-v", "en-us+f3", "-s", "150", "-p", "60"], "second": ["-v", "en-gb+m3", "-s", "140", "-p", "35"]}

DIALOGUE = [
    ("first", "Hello, and welcome to the demo room. I am the first of two simulated callers."),
    ("second", "And I am the second. Each of us has placed an ordinary call to the focus, as you did."),
    ("first", "The focus mixes what it hears, and sends back to each of us everybody but ourselves."),
    ("second", "So you hear the two of us, we hear you, and nobody hears an echo."),
    ("first", "Try to speak while we do. Your name should light up on the page as soon as you say something."),
    ("second", "You can also open the page a second time, on this machine, and be two people at once."),
    ("first", "Mute yourself, and the others will see it. Hang up, and you are gone from the list."),
    ("second", "We have to stay here, and say the same things again. We do not mind."),
]


def spoken(voice, text):
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["espeak-ng", *VOICES[voice], "-w", file.name, text], check=True)
        with wave.open(file.name) as sound:
            rate = sound.getframerate()
            samples = numpy.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(float)
    there = numpy.arange(int(len(samples) * RATE / rate)) * rate / RATE
    samples = numpy.interp(there, numpy.arange(len(samples)), samples)
    # Peaks at a third of full scale: both together stay below it.
    return samples * (32767 / 3 / max(1.0, numpy.max(numpy.abs(samples))))


def main(folder):
    tracks = {voice: [] for voice in VOICES}
    for voice, text in DIALOGUE:
        turn = numpy.concatenate([spoken(voice, text), numpy.zeros(int(PAUSE * RATE))])
        for name, track in tracks.items():
            track.append(turn if name == voice else numpy.zeros(len(turn)))
    folder.mkdir(parents=True, exist_ok=True)
    for name, track in tracks.items():
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(numpy.concatenate(track).astype("<i2").tobytes())


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
