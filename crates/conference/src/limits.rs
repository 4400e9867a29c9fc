//! What may grow, and how far: a bound on whatever a peer can make larger.
//!
//! What happens at a bound never lives here.

use crate::time::Millis;

/// Bounds on whatever a peer can make grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Participants in one conference. Default 500.
    pub participants_per_conference: usize,
    /// Calls in one conference, ringing ones included. Default 1000.
    pub legs_per_conference: usize,
    /// Conferences at a time. Default 1000.
    pub conferences: usize,
    /// Focus users in one group room. Default 8.
    pub doors_per_conference: usize,
    /// Calls of one user at a time, over all conferences, ringing ones included. Default 8.
    pub calls_per_member: usize,
    /// Calls of one homeserver's users at a time, over all conferences, ringing ones included. Default 1000.
    pub calls_per_server: usize,
    /// 1:1 rooms at a time. Default 100,000.
    pub direct_rooms: usize,
    /// 1:1 rooms that one user has with our focus users. Default 100.
    pub direct_rooms_per_member: usize,
    /// Focus users in one 1:1 room. Default 8.
    pub doors_per_direct_room: usize,
    /// Rooms that the bot is in at a time. Default 1000.
    pub bot_rooms: usize,
    /// Rooms into which one user has brought the bot. Default 50.
    pub bot_rooms_per_member: usize,
    /// Rooms in which moderators made the focus stay; 0: none may. Default 100.
    pub stay_rooms: usize,
    /// Rooms whose focus user has a name that was made up. Of more the oldest is forgotten that is not in use.
    pub made_up_names: usize,
    /// Calls that one user may place at once before they are held to `invite_interval`. Default 10.
    pub invites_at_once: u32,
    /// How often one user may place a call in the long run: one in this time. Default 6 s.
    pub invite_interval: Millis,
    /// How often in an hour the focus joins a group room because of a call of someone who then turns out not to be a member of
    /// it. Default 3 per caller.
    pub strangers_per_hour: u32,
    /// Commands that one user may give at once before they are held to `command_interval`; an invitation of the bot counts as
    /// one. Default 10.
    pub commands_at_once: u32,
    /// How often one user may give a command in the long run: one in this time. Default 2 s.
    pub command_interval: Millis,
    /// Users whose calls and commands are counted for the limits above. Default 10,000; the one longest without any is forgotten.
    pub counted_members: usize,
    /// Candidates taken from one call until its next offer. Default 128.
    pub candidates_per_call: usize,
    /// Length of one candidate, in bytes. Default 1024.
    pub candidate_bytes: usize,
    /// Calls whose candidates came before their invite. Default 256.
    pub early_calls: usize,
    /// Ended calls that are remembered, so that a late invite of theirs is not answered. Default 10,000.
    pub ended_calls: usize,
    /// Rooms that users of ours are about to leave, or try again to. Default 10,000; of more the oldest are forgotten.
    pub departures: usize,
    /// Length of an offer or answer, in bytes. Default 65,536, the size of a whole Matrix event.
    pub sdp_bytes: usize,
    /// Length of a call id and of a party id, in bytes. Default 255, as for every other name in Matrix.
    pub name_bytes: usize,
    /// Members of a group room whose role is not everyone's. Default 1000; the highest roles are kept.
    pub roles: usize,
    /// People of one conference whose mute, word or removal is remembered though they are not in it now. Default 1000.
    pub remembered_members: usize,
    /// Names in the reply to "who". Default 50.
    pub roll: usize,
    /// Names in an announcement, where there are any. Default 50.
    pub announced_names: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            participants_per_conference: 500,
            legs_per_conference: 1000,
            conferences: 1000,
            doors_per_conference: 8,
            calls_per_member: 8,
            calls_per_server: 1000,
            direct_rooms: 100_000,
            direct_rooms_per_member: 100,
            doors_per_direct_room: 8,
            bot_rooms: 1000,
            bot_rooms_per_member: 50,
            stay_rooms: 100,
            made_up_names: 1000,
            invites_at_once: 10,
            invite_interval: Millis::from_secs(6),
            strangers_per_hour: 3,
            commands_at_once: 10,
            command_interval: Millis::from_secs(2),
            counted_members: 10_000,
            candidates_per_call: 128,
            candidate_bytes: 1024,
            early_calls: 256,
            ended_calls: 10_000,
            departures: 10_000,
            sdp_bytes: 65_536,
            name_bytes: 255,
            roles: 1000,
            remembered_members: 1000,
            roll: 50,
            announced_names: 50,
        }
    }
}
