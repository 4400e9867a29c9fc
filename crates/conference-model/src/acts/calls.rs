//! What callers do: calls, changes of calls, and candidates.
//!
//! What the engine makes of them never lives here, see `engine.rs`.

use confocal_conference::{
    CallInvite, CallKey, CallVersion, Candidate, Input, Millis, PartyId, Sdp, StreamInfo, StreamMetadata,
    StreamPurpose,
};

use crate::action::{CallKind, Invitee};
use crate::invariants::Broken;
use crate::setup::{self, CANDIDATE};
use crate::world::World;

impl World {
    pub(super) fn call(&mut self, user: u8, place: u8, kind: u8, lifetime: u8) -> Result<(), Broken> {
        let (room, device) = (place % 2, (place >> 1) & 1);
        // Now and then in another's room, where most of what is said is one's own.
        let of = if place >= 232 { user.wrapping_add(1) } else { user };
        // Where nobody is called a call is not for us; that is seen often enough.
        let known = |room| self.seen.after.directs.contains_key(&setup::direct(of, room));
        if place & 0b1100 != 0 && !known(room) {
            return if known(room ^ 1) {
                self.call(user, place ^ 1, kind, lifetime)
            } else {
                self.invite_to_direct(user, room, setup::natural_door(room))
            };
        }
        let kind = CallKind::from_byte(kind);
        let natural = setup::natural_door(room);
        let invitee = match kind.invitee {
            Invitee::Nobody => None,
            Invitee::Natural => Some(setup::door(natural).0),
            Invitee::Another => Some(setup::door(natural + 1).0),
            Invitee::Stranger => Some("@someone".into()),
        };
        let mut call = self.outside.next_call_id(user);
        if kind.long_name {
            call = confocal_conference::CallId::new(format!("{call}{}", "x".repeat(300)));
        }
        let expires_in = match lifetime {
            0..4 => Millis(0),
            4..40 => Millis(u64::from(lifetime) * 250),
            _ => Millis::from_secs(60),
        };
        let invite = CallInvite {
            key: CallKey { room: setup::direct(of, room), caller: setup::user(user), call },
            invitee,
            version: if kind.v0 { CallVersion::V0 } else { CallVersion::V1 },
            party: (!kind.v0).then(|| setup::party(user, device)),
            offer: self.text("offer", kind.huge),
            expires_in,
            metadata: kind.metadata.then(|| metadata(kind.muted)),
        };
        self.outside.placed(invite.clone(), user);
        self.tell(Input::CallInvited(invite))
    }

    pub(super) fn negotiate(&mut self, call: u8, party: u8, kind: u8) -> Result<(), Broken> {
        let (key, theirs) = self.known_call(call);
        let offer = self.text("offer", kind == 255);
        let expires_in = Millis(if kind.is_multiple_of(16) { 0 } else { 10_000 });
        let metadata = (kind & 1 == 0).then(|| metadata(kind & 2 == 0));
        let party = which_party(theirs, party);
        self.tell(Input::CallNegotiated { key, party, offer, expires_in, metadata })
    }

    /// A call that was placed, mostly one that goes on; or the next one that somebody will place.
    pub(super) fn known_call(&self, number: u8) -> (CallKey, Option<PartyId>) {
        let calls = &self.outside.calls;
        let live: Vec<_> =
            calls.iter().filter(|call| self.seen.after.leg_of(&call.invite.key).is_some()).collect();
        let (any, number) = (number >= 192, usize::from(number));
        if !any && !live.is_empty() {
            let invite = &live[number % live.len()].invite;
            return (invite.key.clone(), invite.party.clone());
        }
        match calls.get(number % (calls.len() + 1)) {
            Some(call) => (call.invite.key.clone(), call.invite.party.clone()),
            None => {
                let user = number as u8;
                let call = self.outside.next_call_id(user);
                let key = CallKey { room: setup::direct(user, 0), caller: setup::user(user), call };
                (key, Some(setup::party(user, 0)))
            }
        }
    }

    pub(super) fn text(&mut self, what: &str, huge: bool) -> Sdp {
        self.outside.next_text += 1;
        let mut text = format!("sdp:{what}:{}", self.outside.next_text);
        if huge {
            text.push_str(&"x".repeat(self.seen.setup.config.limits.sdp_bytes));
        }
        Sdp(text)
    }

    pub(super) fn candidates(&mut self, shape: u8) -> Vec<Candidate> {
        let limit = self.seen.setup.config.limits.candidate_bytes;
        (0..=shape % 3)
            .map(|_| {
                self.outside.next_text += 1;
                let mut line = format!("{CANDIDATE}{}", self.outside.next_text);
                if shape >= 250 {
                    line.push_str(&"x".repeat(limit));
                }
                Candidate { line, mid: Some("0".into()), line_index: None }
            })
            .collect()
    }
}

/// The party of the call; or another one, or none.
pub(super) fn which_party(theirs: Option<PartyId>, number: u8) -> Option<PartyId> {
    match number {
        0..208 => theirs,
        208..240 => Some("OTHER".into()),
        240.. => None,
    }
}

pub(super) fn metadata(audio_muted: bool) -> StreamMetadata {
    let info = |purpose| StreamInfo { purpose, audio_muted, video_muted: audio_muted };
    [
        ("microphone".into(), info(StreamPurpose::UserMedia)),
        ("screen".into(), info(StreamPurpose::ScreenShare)),
    ]
    .into()
}
