//! Which conference an input belongs to, found without looking at the others; and what is known of calls that are not legs.
//!
//! Rules never live here.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::call::Candidate;
use crate::config::Limits;
use crate::core::Core;
use crate::id::{CallKey, FocusUser, LegId, MemberId, PartyId, RequestId, RoomKey};
use crate::record::RecordKey;
use crate::time::{Millis, Timestamp};

/// How long a call is remembered after its end: longer than any invite is alive.
const REMEMBER_ENDED: Millis = Millis::from_secs(600);

/// How long candidates wait for their call.
const KEEP_EARLY: Millis = Millis::from_secs(60);

/// What a request was made for, so that its outcome finds the way home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A door joins its group room.
    JoinGroup { group: RoomKey, focus: FocusUser },
    /// A door joins a 1:1 room.
    JoinDirect { room: RoomKey, focus: FocusUser },
    /// A door leaves its group room.
    LeaveGroup { group: RoomKey, focus: FocusUser },
    /// A leg asks to be admitted.
    Admission(LegId),
    /// A leg is answered.
    Answer(LegId),
}

/// A 1:1 room: the doors that are in it, and the person they are in it with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DirectRoom {
    /// Who invited us.
    pub(crate) with: MemberId,
    pub(crate) doors: BTreeMap<FocusUser, DirectDoor>,
    /// They were told that we can't read this room.
    #[serde(default)]
    pub(crate) told_encrypted: bool,
}

/// One focus user in a 1:1 room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DirectDoor {
    /// The group room that it is a door to.
    pub(crate) group: RoomKey,
    /// The join that is under way.
    pub(crate) joining: Option<RequestId>,
}

/// A call that has ended, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) key: CallKey,
    pub(crate) until: Timestamp,
}

/// Candidates that came before their call.
#[derive(Debug)]
struct Early {
    key: CallKey,
    party: Option<PartyId>,
    until: Timestamp,
    candidates: Vec<Candidate>,
}

/// The tables.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    pub(crate) requests: BTreeMap<RequestId, Purpose>,
    pub(crate) legs: BTreeMap<LegId, RoomKey>,
    pub(crate) calls: BTreeMap<CallKey, LegId>,
    pub(crate) directs: BTreeMap<RoomKey, DirectRoom>,
    /// In the order of their ends: all are remembered for the same time.
    ended: VecDeque<(u64, Ended)>,
    ended_keys: BTreeSet<CallKey>,
    early: VecDeque<Early>,
}

impl Routes {
    /// Remembers that a call is over. Each entry is a record of its own, named by a number that only grows.
    pub(crate) fn remember_ended(&mut self, key: CallKey, core: &mut Core) {
        if !self.ended_keys.insert(key.clone()) {
            return;
        }
        let number = self.ended.back().map_or(0, |(number, _)| number + 1);
        self.ended.push_back((number, Ended { key, until: core.now + REMEMBER_ENDED }));
        core.changed(RecordKey::Ended(number));
        let limit = core.config.limits.ended_calls;
        while self.ended.front().is_some_and(|(_, ended)| ended.until <= core.now) || self.ended.len() > limit
        {
            if let Some((number, ended)) = self.ended.pop_front() {
                self.ended_keys.remove(&ended.key);
                core.changed(RecordKey::Ended(number));
            }
        }
    }

    /// Puts an entry back that was in the records; they come in the order of their numbers.
    pub(crate) fn restore_ended(&mut self, number: u64, ended: Ended) {
        self.ended_keys.insert(ended.key.clone());
        self.ended.push_back((number, ended));
    }

    pub(crate) fn has_ended(&self, key: &CallKey) -> bool {
        self.ended_keys.contains(key)
    }

    /// The entry of a number, for its record.
    pub(crate) fn ended(&self, number: u64) -> Option<&Ended> {
        let first = self.ended.front()?.0;
        let at = usize::try_from(number.checked_sub(first)?).ok()?;
        self.ended.get(at).map(|(_, ended)| ended)
    }

    /// Keeps candidates until their call comes.
    pub(crate) fn keep_early(
        &mut self,
        key: CallKey,
        party: Option<PartyId>,
        candidates: Vec<Candidate>,
        limits: &Limits,
        now: Timestamp,
    ) {
        self.early.retain(|early| early.until > now);
        if let Some(early) = self.early.iter_mut().find(|early| early.key == key && early.party == party) {
            let room = limits.candidates_per_call.saturating_sub(early.candidates.len());
            early.candidates.extend(candidates.into_iter().take(room));
            return;
        }
        if self.early.len() >= limits.early_calls {
            self.early.pop_front();
        }
        let candidates = candidates.into_iter().take(limits.candidates_per_call).collect();
        self.early.push_back(Early { key, party, until: now + KEEP_EARLY, candidates });
    }

    /// Takes the candidates that came before the call.
    pub(crate) fn take_early(&mut self, key: &CallKey, party: Option<&PartyId>) -> Vec<Candidate> {
        let mut taken = Vec::new();
        self.early.retain_mut(|early| {
            if early.key != *key {
                return true;
            }
            if early.party.is_none() || party.is_none() || early.party.as_ref() == party {
                taken.append(&mut early.candidates);
            }
            false
        });
        taken
    }
}
