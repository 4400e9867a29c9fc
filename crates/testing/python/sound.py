"""What a caller sends and hears: a tone, silence, or a file in step with the clock; levels of tones and of everything.

All levels are dBFS against a full-scale sine (0 dBFS = peaks of 32767). 48 kHz, 20 ms frames of 960 samples, 16 bit, mono out,
whatever comes in is mixed to mono.
"""

import asyncio
import fractions
import time
import wave

import numpy
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from av import AudioFrame

RATE = 48_000
FRAME = 960
FLOOR = -120.0


def dbfs(amplitude):
    return max(FLOOR, 20 * float(numpy.log10(max(amplitude / 32767, 1e-9))))


class Source(AudioStreamTrack):
    """Sends in real time what `samples(start, count)` gives, or silence while muted."""

    def __init__(self):
        super().__init__()
        self.muted = False
        self.position = 0
        self.started = None

    def samples(self, start, count):
        return numpy.zeros(count)

    async def recv(self):
        if self.readyState != "live":
            raise MediaStreamError
        if self.started is None:
            self.started = time.monotonic()
        await asyncio.sleep(max(0.0, self.started + self.position / RATE - time.monotonic()))
        sound = self.samples(self.position, FRAME)
        if self.muted:
            sound = numpy.zeros(FRAME)
        frame = AudioFrame.from_ndarray(numpy.round(sound).astype(numpy.int16).reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.position, fractions.Fraction(1, RATE)
        self.position += FRAME
        return frame


class Tone(Source):
    """A sine."""

    def __init__(self, hertz, level):
        super().__init__()
        self.hertz, self.amplitude = hertz, 32767 * 10 ** (level / 20)

    def samples(self, start, count):
        return self.amplitude * numpy.sin(2 * numpy.pi * self.hertz * (start + numpy.arange(count)) / RATE)


class Loop(Source):
    """A WAV file (16 bit, mono, 48 kHz) again and again. It begins where the wall clock says, so that several callers whose
    files are equally long keep in step with each other without being told of each other."""

    def __init__(self, path):
        super().__init__()
        with wave.open(path) as file:
            if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE):
                raise ValueError(f"{path} is not 16 bit mono at {RATE} Hz")
            self.sound = numpy.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
        self.offset = int(time.time() * RATE)

    def samples(self, start, count):
        return self.sound[(self.offset + start + numpy.arange(count)) % len(self.sound)]


def source_from(options):
    if options.wav:
        return Loop(options.wav)
    return Tone(options.tone, options.level) if options.tone else Source()


class Listener:
    """Keeps the last half second of what is heard."""

    WINDOW = RATE // 2

    def __init__(self, tones):
        self.tones = tones
        self.heard = numpy.zeros(0)
        self.task = None

    def listen_to(self, track):
        self.task = asyncio.ensure_future(self.receive(track))

    async def receive(self, track):
        try:
            while True:
                frame = await track.recv()
                sound = frame.to_ndarray().astype(float)
                channels = len(frame.layout.channels)
                # Packed formats come as one row with the channels in turn.
                sound = sound.reshape(-1, channels).mean(axis=1) if sound.shape[0] == 1 else sound.mean(axis=0)
                self.heard = numpy.concatenate([self.heard, sound])[-self.WINDOW :]
        except MediaStreamError:
            pass

    def levels(self):
        """Of what was heard since the last time, at most half a second: each tone (by its name in Hz, as an integer where it
        is one) by the Goertzel formula under a Hann window, and everything by its root mean square."""
        heard, self.heard = self.heard, numpy.zeros(0)
        count = len(heard)
        if count < FRAME:
            return {"samples": count, "tones": {f"{hz:g}": FLOOR for hz in self.tones}, "rms": FLOOR}
        window = numpy.hanning(count)
        tones = {}
        for hz in self.tones:
            turning = numpy.exp(-2j * numpy.pi * hz / RATE * numpy.arange(count))
            tones[f"{hz:g}"] = round(dbfs(2 * abs(numpy.sum(heard * window * turning)) / numpy.sum(window)), 1)
        rms = dbfs(numpy.sqrt(numpy.mean(heard**2)) * numpy.sqrt(2))
        return {"samples": count, "tones": tones, "rms": round(rms, 1)}
