// The other side of a 1:1 call, for tests that have no focus: joins the room it is invited to and answers.

import { RoomMemberEvent } from "matrix-js-sdk";
import { CallEvent, CallState } from "matrix-js-sdk/lib/webrtc/call.js";
import { CallEventHandlerEvent } from "matrix-js-sdk/lib/webrtc/callEventHandler.js";
import { SDPStreamMetadataPurpose } from "matrix-js-sdk/lib/webrtc/callEventTypes.js";
import { CallFeed } from "matrix-js-sdk/lib/webrtc/callFeed.js";

/**
 * Accepts room invitations and answers the next incoming call.
 *
 * @param {import("matrix-js-sdk").MatrixClient} client
 * @param {import("../call/microphone.js").SoundSource} openSound
 * @param {number} timeoutMs
 * @param {(stream: MediaStream) => void} onStream what the caller sends
 * @returns {Promise<import("matrix-js-sdk").MatrixCall>} the call, connected
 */
export async function answerNextCall(client, openSound, timeoutMs, onStream) {
  const { stream } = await openSound();
  return new Promise((resolve, reject) => {
    const done = (act, value) => {
      clearTimeout(timer);
      client.off(RoomMemberEvent.Membership, onMembership);
      client.off(CallEventHandlerEvent.Incoming, onIncoming);
      act(value);
    };
    const onMembership = (_event, member) => {
      if (member.userId !== client.getSafeUserId() || member.membership !== "invite") return;
      client.joinRoom(member.roomId).catch((error) => done(reject, error));
    };
    const onIncoming = (call) => {
      call.on(CallEvent.Error, (error) => done(reject, error));
      call.on(CallEvent.FeedsChanged, () => call.remoteUsermediaStream && onStream(call.remoteUsermediaStream));
      call.on(CallEvent.State, (state) => {
        if (state === CallState.Connected) done(resolve, call);
        if (state === CallState.Ended) done(reject, new Error(`the call ended: ${call.hangupReason}`));
      });
      if (call.remoteUsermediaStream) onStream(call.remoteUsermediaStream);
      call.answerWithCallFeeds([
        new CallFeed({
          client,
          roomId: call.roomId,
          userId: client.getSafeUserId(),
          deviceId: client.getDeviceId(),
          stream,
          purpose: SDPStreamMetadataPurpose.Usermedia,
          audioMuted: false,
          videoMuted: false,
        }),
      ]);
    };
    const timer = setTimeout(() => done(reject, new Error("nobody called")), timeoutMs);
    client.on(RoomMemberEvent.Membership, onMembership);
    client.on(CallEventHandlerEvent.Incoming, onIncoming);
  });
}
