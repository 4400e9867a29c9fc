"""A caller that is no browser: a Matrix client that places one 1:1 call to a focus user, with aiortc.

Says what happens as one JSON object a line on stdout, takes commands as lines on stdin (hangup, mute, unmute, say TEXT, quit),
and logs to stderr. The end of stdin is as quit. Sound arithmetic is in sound.py, pictures are in picture.py, the Matrix requests in client.py.
"""

import argparse
import asyncio
import json
import logging
import random
import string
import sys
import time

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

import rsa_certificate
from client import MatrixClient, MatrixError
from picture import Picture, Viewer
from sound import Listener, source_from

log = logging.getLogger("caller")


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def random_id(length=16):
    return "".join(random.choices(string.ascii_letters, k=length))


def split_candidates(sdp):
    """The SDP without its candidates, and these as entries of m.call.candidates."""
    lines = sdp.splitlines()
    mids = [line.removeprefix("a=mid:") for line in lines if line.startswith("a=mid:")]
    kept, candidates, index = [], [], -1
    for line in lines:
        index += line.startswith("m=")
        if line.startswith("a=candidate:"):
            candidate = line.removeprefix("a=")
            candidates.append({"candidate": candidate, "sdpMLineIndex": index, "sdpMid": mids[index]})
        elif line != "a=end-of-candidates":
            kept.append(line)
    return "\r\n".join(kept) + "\r\n", candidates


def stream_of(sdp):
    """The id of the first media stream that the SDP sends."""
    for line in sdp.splitlines():
        if line.startswith("a=msid:"):
            return line[len("a=msid:") :].split()[0]
    return None


class Call:
    """One call in one room, from the invite to its end."""

    def __init__(self, client, room, options):
        self.client, self.room, self.options = client, room, options
        self.call_id = random_id()
        self.party_id = options.device_id or random_id(8)
        self.version = 0 if options.version == "0" else "1"
        self.peer = None  # (user, party) who was chosen
        self.over = asyncio.Event()
        self.early = []  # candidates that came before the answer was applied
        self.source = source_from(options)
        self.listener = Listener(options.listen_tones)
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pc.addTrack(self.source)
        self.viewer = Viewer()
        if options.picture:
            self.show(options.picture, options.picture_codec)
        self.pc.on("track", self.on_track)
        self.pc.on("connectionstatechange", self.on_connection_state)

    def show(self, colour, codec):
        sender = self.pc.addTrack(Picture(colour))
        line = next(line for line in self.pc.getTransceivers() if line.sender == sender)
        known = RTCRtpSender.getCapabilities("video").codecs
        # With its own retransmissions, which are a codec by name.
        line.setCodecPreferences([one for one in known if one.mimeType in (f"video/{codec}", "video/rtx")])

    def on_track(self, track):
        if track.kind == "audio":
            self.listener.listen_to(track)
        else:
            self.viewer.watch(track)

    def on_connection_state(self):
        state = self.pc.connectionState
        log.info("connection %s", state)
        if state == "connected":
            say("connected")
        elif state == "failed":
            say("failed")
            self.over.set()

    def content(self, **fields):
        common = {"call_id": self.call_id, "version": self.version}
        if self.version != 0:
            common["party_id"] = self.party_id
        return {**common, **fields}

    async def send(self, kind, **fields):
        await self.client.send_event(self.room, "m.call." + kind, self.content(**fields))

    async def place(self):
        # aiortc gathers everything before this returns.
        await self.pc.setLocalDescription(await self.pc.createOffer())
        sdp, late = self.pc.localDescription.sdp, []
        if self.options.trickle_only or self.options.like_nheko:
            sdp, late = split_candidates(sdp)
        fields = {"offer": {"type": "offer", "sdp": sdp}, "lifetime": self.options.lifetime}
        if self.options.like_nheko:
            fields["invitee"] = ""
            for candidate in late:
                candidate["sdpMid"] = ""
        if self.options.invitee:
            fields["invitee"] = self.options.invitee
        stream = stream_of(sdp)
        if self.version != 0:
            fields["capabilities"] = {"m.call.transferee": False, "m.call.dtmf": False}
            if not (self.options.no_metadata or self.options.like_nheko) and stream:
                purpose = {"purpose": "m.usermedia", "audio_muted": False, "video_muted": not self.options.picture}
                fields["sdp_stream_metadata"] = {stream: purpose}
        await self.send("invite", **fields)
        say("placed", room_id=self.room, call_id=self.call_id, party_id=self.party_id)
        if late:
            await self.send("candidates", candidates=late)

    async def on_event(self, event):
        """An event of the room, not our own."""
        kind, content, sender = event.get("type", ""), event.get("content") or {}, event.get("sender")
        if kind == "m.room.message" and content.get("msgtype") == "m.notice":
            say("notice", body=content.get("body"), sender=sender)
        if not kind.startswith("m.call.") or content.get("call_id") != self.call_id or self.over.is_set():
            return
        party = content.get("party_id")
        if kind == "m.call.negotiate" and self.options.like_nheko:
            await self.send("hangup", reason="unknown_error")
            say("failed")
            self.over.set()
        elif kind == "m.call.answer":
            await self.on_answer(content, sender, party)
        elif kind == "m.call.candidates":
            await self.on_candidates(content.get("candidates") or [])
        elif kind == "m.call.reject":
            say("rejected", reason=content.get("reason"))
            if self.version != 0:
                await self.send("select_answer", selected_party_id=party)
            self.over.set()
        elif kind == "m.call.hangup" and (self.peer is None or self.peer == (sender, party)):
            say("hangup", reason=content.get("reason"))
            self.over.set()
        elif kind == "m.call.sdp_stream_metadata_changed":
            say("metadata", metadata=content.get("sdp_stream_metadata"))
        elif kind == "m.call.negotiate":
            # aiortc cannot restart ICE: said, so that whoever tests knows, and not answered.
            say("negotiate", type=(content.get("description") or {}).get("type"))

    async def on_answer(self, content, sender, party):
        if self.peer is not None:
            say("answered_again", party_id=party)
            return
        self.peer = (sender, party)
        answer = content["answer"]
        say("answered", party_id=party, version=content.get("version"), sdp=answer["sdp"],
            metadata=content.get("sdp_stream_metadata"))
        if self.version != 0:
            await self.send("select_answer", selected_party_id=party)
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        early, self.early = self.early, []
        await self.on_candidates(early)

    async def on_candidates(self, entries):
        if self.pc.remoteDescription is None:
            self.early.extend(entries)
            return
        for entry in entries:
            line = entry.get("candidate") or ""
            if not line:
                continue
            candidate = candidate_from_sdp(line.removeprefix("candidate:"))
            candidate.sdpMid, candidate.sdpMLineIndex = entry.get("sdpMid"), entry.get("sdpMLineIndex")
            await self.pc.addIceCandidate(candidate)

    async def hang_up(self):
        if not self.over.is_set():
            # Said first: once it is over, whatever is still being said is cut off.
            await self.send("hangup", reason="user_hangup")
            self.over.set()

    async def close(self):
        await self.pc.close()


async def follow(client, room, since, call):
    """Reads the room's events, from the sync token `since` on, and hands them to the call."""
    while True:
        answer = await client.sync(since)
        since = answer["next_batch"]
        timeline = answer.get("rooms", {}).get("join", {}).get(room, {}).get("timeline", {})
        for event in timeline.get("events", []):
            if event.get("sender") != client.user_id:
                await call.on_event(event)


async def report_levels(call):
    while True:
        await asyncio.sleep(0.5)
        say("levels", **call.listener.levels())
        if call.options.picture:
            say("picture", **call.viewer.seen())


async def take_commands(call):
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while line := (await reader.readline()).decode():
        command, _, text = line.strip().partition(" ")
        if command == "hangup":
            await call.hang_up()
        elif command in ("mute", "unmute"):
            call.source.muted = command == "mute"
        elif command == "say":
            await call.client.send_event(call.room, "m.room.message", {"msgtype": "m.text", "body": text})
        elif command == "quit":
            break
        elif command:
            say("error", message=f"no such command: {command}")


async def prepare_room(client, options):
    """Invites the focus user into the group room if it is not there, and makes the 1:1 room unless one is given."""
    if options.group_room:
        try:
            await client.invite(options.group_room, options.focus)
        except MatrixError as error:
            # 403: it is there already, or we may not invite; the call will tell.
            log.info("not invited into the group room: %s", error)
    if options.room:
        return options.room
    room = await client.create_room(
        {"preset": "trusted_private_chat", "is_direct": True, "invite": [options.focus]}
    )
    say("room", room_id=room)
    return room


async def run(options):
    if options.like_nheko:
        rsa_certificate.use()
    client = MatrixClient(options.homeserver, options.user_id, options.token)
    room = await prepare_room(client, options)
    # From before the invite: what answers it comes after.
    since = (await client.sync(None))["next_batch"]
    call = Call(client, room, options)
    await call.place()
    tasks = [asyncio.create_task(task) for task in (
        follow(client, room, since, call), report_levels(call), take_commands(call), call.over.wait())]
    follower, levels, commands, over = tasks
    try:
        done, _ = await asyncio.wait([follower, levels, commands, over], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        if over not in done:
            await call.hang_up()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait_for(call.close(), 5)
    say("ended")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homeserver", required=True, help="base URL")
    parser.add_argument("--user-id", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--device-id", help="the party id, as browsers do it; else a random one")
    parser.add_argument("--focus", required=True, help="the focus user's id")
    parser.add_argument("--group-room", help="invite the focus user into this room first")
    parser.add_argument("--room", help="place the call in this 1:1 room instead of making one")
    parser.add_argument("--version", choices=["0", "1"], default="1")
    parser.add_argument("--lifetime", type=int, default=60_000, help="of the invite, in ms")
    parser.add_argument("--invitee", help="name this user as the invitee")
    parser.add_argument("--trickle-only", action="store_true", help="no candidates in the offer, all in m.call.candidates")
    parser.add_argument(
        "--like-nheko",
        action="store_true",
        help="RSA certificate, no metadata, an empty invitee, all candidates in one event by position only; no negotiation",
    )
    parser.add_argument("--no-metadata", action="store_true", help="leave out sdp_stream_metadata")
    parser.add_argument("--tone", type=float, help="send a tone of this frequency in Hz")
    parser.add_argument("--level", type=float, default=-20.0, help="of the tone, in dBFS")
    parser.add_argument("--wav", help="send this file again and again, in step with the clock")
    parser.add_argument("--picture", metavar="RRGGBB", help="send pictures of this colour, and say which colour comes")
    parser.add_argument("--picture-codec", choices=["VP8", "H264"], default="VP8", help="the one that is offered for pictures")
    parser.add_argument("--listen-tones", type=lambda text: [float(hz) for hz in text.split(",") if hz], default=[],
                        help="measure these frequencies, separated by commas, in what is heard")
    return parser.parse_args()


def main():
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.Formatter.converter = time.gmtime
    try:
        asyncio.run(run(arguments()))
    except Exception as error:  # whoever started us reads stdout, not a traceback
        log.exception("failed")
        say("error", message=f"{type(error).__name__}: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
