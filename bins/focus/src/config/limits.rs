//! `[limits]`: what callers can make grow, and how far.
//!
//! What happens at a limit never lives here: that is the machine's.

use confocal::conference::{Limits as MachineLimits, Millis};
use serde::Deserialize;

/// The limits under the machine's names, with its defaults. Spans of time are whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Participants in one conference.
    pub(crate) participants_per_conference: usize,
    /// Calls in one conference, ringing ones included.
    pub(crate) legs_per_conference: usize,
    /// Conferences at a time.
    pub(crate) conferences: usize,
    /// Focus users in one group room.
    pub(crate) doors_per_conference: usize,
    /// Calls of one user at a time.
    pub(crate) calls_per_member: usize,
    /// Calls of one homeserver's users at a time.
    pub(crate) calls_per_server: usize,
    /// 1:1 rooms at a time.
    pub(crate) direct_rooms: usize,
    /// 1:1 rooms of one user.
    pub(crate) direct_rooms_per_member: usize,
    /// Focus users in one 1:1 room.
    pub(crate) doors_per_direct_room: usize,
    /// Rooms that the bot is in.
    pub(crate) bot_rooms: usize,
    /// Rooms into which one user has brought it.
    pub(crate) bot_rooms_per_member: usize,
    /// Rooms in which moderators made the focus stay.
    pub(crate) stay_rooms: usize,
    /// Rooms whose focus user has a name that was made up.
    pub(crate) made_up_names: usize,
    /// Calls that one user may place at once.
    pub(crate) invites_at_once: u32,
    /// Seconds for each further one; 0: no limit.
    pub(crate) invite_interval_seconds: u32,
    /// Joins an hour for callers who turn out to be strangers to the room, per caller.
    pub(crate) strangers_per_hour: u32,
    /// Commands that one user may give at once.
    pub(crate) commands_at_once: u32,
    /// Seconds for each further one; 0: no limit.
    pub(crate) command_interval_seconds: u32,
    /// Users who are counted for the limits above.
    pub(crate) counted_members: usize,
    /// Candidates of one call until its next offer.
    pub(crate) candidates_per_call: usize,
    /// Length of a candidate.
    pub(crate) candidate_bytes: usize,
    /// Calls whose candidates came before their invite.
    pub(crate) early_calls: usize,
    /// Ended calls that are remembered.
    pub(crate) ended_calls: usize,
    /// Rooms that users of ours are about to leave, or try again to.
    pub(crate) departures: usize,
    /// Length of an offer or answer.
    pub(crate) sdp_bytes: usize,
    /// Length of a call id and of a party id.
    pub(crate) name_bytes: usize,
    /// Members of a group room whose role is remembered.
    pub(crate) roles: usize,
    /// People whose mute or removal is remembered though they left.
    pub(crate) remembered_members: usize,
    /// Names in the reply to "who".
    pub(crate) roll: usize,
    /// Names in an announcement.
    pub(crate) announced_names: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let machine = MachineLimits::default();
        Self {
            participants_per_conference: machine.participants_per_conference,
            legs_per_conference: machine.legs_per_conference,
            conferences: machine.conferences,
            doors_per_conference: machine.doors_per_conference,
            calls_per_member: machine.calls_per_member,
            calls_per_server: machine.calls_per_server,
            direct_rooms: machine.direct_rooms,
            direct_rooms_per_member: machine.direct_rooms_per_member,
            doors_per_direct_room: machine.doors_per_direct_room,
            bot_rooms: machine.bot_rooms,
            bot_rooms_per_member: machine.bot_rooms_per_member,
            stay_rooms: machine.stay_rooms,
            made_up_names: machine.made_up_names,
            invites_at_once: machine.invites_at_once,
            invite_interval_seconds: whole_seconds(machine.invite_interval),
            strangers_per_hour: machine.strangers_per_hour,
            commands_at_once: machine.commands_at_once,
            command_interval_seconds: whole_seconds(machine.command_interval),
            counted_members: machine.counted_members,
            candidates_per_call: machine.candidates_per_call,
            candidate_bytes: machine.candidate_bytes,
            early_calls: machine.early_calls,
            ended_calls: machine.ended_calls,
            departures: machine.departures,
            sdp_bytes: machine.sdp_bytes,
            name_bytes: machine.name_bytes,
            roles: machine.roles,
            remembered_members: machine.remembered_members,
            roll: machine.roll,
            announced_names: machine.announced_names,
        }
    }
}

impl Limits {
    /// As the machine has them.
    pub(crate) const fn machine(&self) -> MachineLimits {
        let Self {
            participants_per_conference,
            legs_per_conference,
            conferences,
            doors_per_conference,
            calls_per_member,
            calls_per_server,
            direct_rooms,
            direct_rooms_per_member,
            doors_per_direct_room,
            bot_rooms,
            bot_rooms_per_member,
            stay_rooms,
            made_up_names,
            invites_at_once,
            invite_interval_seconds,
            strangers_per_hour,
            commands_at_once,
            command_interval_seconds,
            counted_members,
            candidates_per_call,
            candidate_bytes,
            early_calls,
            ended_calls,
            departures,
            sdp_bytes,
            name_bytes,
            roles,
            remembered_members,
            roll,
            announced_names,
        } = *self;
        MachineLimits {
            participants_per_conference,
            legs_per_conference,
            conferences,
            doors_per_conference,
            calls_per_member,
            calls_per_server,
            direct_rooms,
            direct_rooms_per_member,
            doors_per_direct_room,
            bot_rooms,
            bot_rooms_per_member,
            stay_rooms,
            made_up_names,
            invites_at_once,
            invite_interval: seconds(invite_interval_seconds),
            strangers_per_hour,
            commands_at_once,
            command_interval: seconds(command_interval_seconds),
            counted_members,
            candidates_per_call,
            candidate_bytes,
            early_calls,
            ended_calls,
            departures,
            sdp_bytes,
            name_bytes,
            roles,
            remembered_members,
            roll,
            announced_names,
        }
    }

    /// Those with which, at 0, no conference could be. In the order of the file.
    pub(crate) const fn needed(&self) -> [(&'static str, bool); 22] {
        [
            ("participants_per_conference", self.participants_per_conference > 0),
            ("legs_per_conference", self.legs_per_conference > 0),
            ("conferences", self.conferences > 0),
            ("doors_per_conference", self.doors_per_conference > 0),
            ("calls_per_member", self.calls_per_member > 0),
            ("calls_per_server", self.calls_per_server > 0),
            ("direct_rooms", self.direct_rooms > 0),
            ("direct_rooms_per_member", self.direct_rooms_per_member > 0),
            ("doors_per_direct_room", self.doors_per_direct_room > 0),
            ("invites_at_once", self.invites_at_once > 0),
            ("strangers_per_hour", self.strangers_per_hour > 0),
            ("commands_at_once", self.commands_at_once > 0),
            ("counted_members", self.counted_members > 0),
            ("candidates_per_call", self.candidates_per_call > 0),
            ("candidate_bytes", self.candidate_bytes > 0),
            ("early_calls", self.early_calls > 0),
            ("ended_calls", self.ended_calls > 0),
            ("departures", self.departures > 0),
            ("sdp_bytes", self.sdp_bytes > 0),
            ("name_bytes", self.name_bytes > 0),
            ("roles", self.roles > 0),
            ("remembered_members", self.remembered_members > 0),
        ]
    }
}

const fn seconds(seconds: u32) -> Millis {
    Millis::from_secs(seconds as u64)
}

fn whole_seconds(span: Millis) -> u32 {
    u32::try_from(span.0 / 1000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_machines() {
        assert_eq!(Limits::default().machine(), MachineLimits::default());
    }
}
