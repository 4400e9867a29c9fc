// The rooms that a conference call needs: the focus user in the group room, and a 1:1 room with it.
// What any Matrix client does before it calls somebody; nothing here knows of calls.

import { Preset } from "matrix-js-sdk";

/**
 * Invites the focus user to the group room unless it is there or invited already.
 *
 * @param {import("matrix-js-sdk").MatrixClient} client
 * @returns {Promise<boolean>} whether an invitation was sent
 * @throws {import("matrix-js-sdk").MatrixError} when the homeserver refuses it
 */
export async function inviteFocus(client, groupRoomId, focusUserId) {
  const membership = () => client.getRoom(groupRoomId)?.getMember(focusUserId)?.membership;
  if (["join", "invite"].includes(membership())) return false;
  try {
    await client.invite(groupRoomId, focusUserId);
    return true;
  } catch (error) {
    // Somebody else may have been faster than our sync: then the homeserver refuses to invite a member.
    const state = await client.getStateEvent(groupRoomId, "m.room.member", focusUserId).catch(() => null);
    if (["join", "invite"].includes(state?.membership)) return false;
    throw error;
  }
}

/**
 * A room whose only members are this user and the focus user.
 *
 * @returns {string | null} its id
 */
export function findDirectRoom(client, groupRoomId, focusUserId) {
  const me = client.getSafeUserId();
  const found = client.getRooms().find((room) => {
    if (room.roomId === groupRoomId || room.getMyMembership() !== "join") return false;
    // A focus has no device keys, so it could not read the call.
    if (room.hasEncryptionStateEvent()) return false;
    const present = room.getMembers().filter(({ membership }) => membership === "join" || membership === "invite");
    return present.length === 2 && present.every(({ userId }) => userId === me || userId === focusUserId);
  });
  return found?.roomId ?? null;
}

/**
 * Creates a 1:1 room with the focus user.
 *
 * @param {boolean} withInvite whether the focus user is invited by the same request
 * @returns {Promise<string>} its id
 */
export async function createDirectRoom(client, focusUserId, withInvite) {
  const { room_id: roomId } = await client.createRoom({
    preset: Preset.PrivateChat,
    is_direct: true,
    invite: withInvite ? [focusUserId] : [],
  });
  return roomId;
}
