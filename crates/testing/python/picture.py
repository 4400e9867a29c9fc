"""What a caller shows and sees: a coloured picture in which a bar moves, and the colour of what comes in.

Frames are 640 x 360, 15 a second. Colours are RRGGBB; what is seen is the mean over the picture, as coding changes each pixel a little.
"""

import asyncio
import fractions
import time

import numpy
from aiortc.mediastreams import MediaStreamError, VideoStreamTrack
from av import VideoFrame

WIDTH, HEIGHT, RATE = 640, 360, 15
CLOCK = 90_000


def rgb(text):
    """The three numbers of RRGGBB."""
    return tuple(int(text[at : at + 2], 16) for at in (0, 2, 4))


class Picture(VideoStreamTrack):
    """Sends in real time a picture of one colour, through which a darker bar goes: once around in two seconds."""

    def __init__(self, colour):
        super().__init__()
        self.plain = numpy.full((HEIGHT, WIDTH, 3), rgb(colour), numpy.uint8)
        self.number, self.started = 0, None

    async def recv(self):
        if self.readyState != "live":
            raise MediaStreamError
        if self.started is None:
            self.started = time.monotonic()
        await asyncio.sleep(max(0.0, self.started + self.number / RATE - time.monotonic()))
        pixels = self.plain.copy()
        left = self.number * WIDTH // (2 * RATE) % WIDTH
        pixels[:, left : left + 20] //= 2
        frame = VideoFrame.from_ndarray(pixels, "rgb24")
        frame.pts, frame.time_base = self.number * CLOCK // RATE, fractions.Fraction(1, CLOCK)
        self.number += 1
        return frame


class Viewer:
    """Counts the frames of a track, and knows the last one's size and colour."""

    def __init__(self):
        self.frames, self.last, self.task = 0, None, None

    def watch(self, track):
        self.task = asyncio.ensure_future(self._watch(track))

    async def _watch(self, track):
        try:
            while True:
                self.last = await track.recv()
                self.frames += 1
        except MediaStreamError:
            pass

    def seen(self):
        """Frames since the last question, with size and mean colour of the last one; none where nothing has come."""
        frames, self.frames, last = self.frames, 0, self.last
        if last is None or frames == 0:
            return {"frames": 0, "width": 0, "height": 0, "colour": None}
        # One pixel in eight, each way, tells the mean as well.
        mean = last.to_ndarray(format="rgb24")[::8, ::8].reshape(-1, 3).mean(axis=0)
        colour = "".join(f"{round(float(part)):02x}" for part in mean)
        return {"frames": frames, "width": last.width, "height": last.height, "colour": colour}
