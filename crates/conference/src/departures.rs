//! Rooms that users of ours are about to leave: a leave that was given up is tried again, so that none of them stays in a room for which
//! there is no conference.
//!
//! When a focus user leaves never lives here.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::effect::SignalRequest;
use crate::id::{FocusUser, RequestId, RoomKey};
use crate::input::RequestFailure;
use crate::record::RecordKey;
use crate::time::{Millis, Timestamp};
use crate::timer::TimerKind;

/// How long after its first failure a leave is tried again; each time twice as long.
const FIRST_INTERVAL: Millis = Millis::from_secs(600);

/// The longest that it waits: so often it is tried for good.
const LONGEST_INTERVAL: Millis = Millis::from_secs(86_400);

/// A room that is to be left; a record of its own, named by the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Departure {
    focus: FocusUser,
    room: RoomKey,
    /// How often it has failed before.
    failures: u32,
    /// When it is tried again; `None`: the request is under way.
    again: Option<Timestamp>,
}

/// All of them: one for each user of ours and room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Departures {
    all: BTreeMap<RequestId, Departure>,
    places: BTreeMap<(RoomKey, FocusUser), RequestId>,
}

impl Departures {
    /// The one of a request, for its record.
    pub(crate) fn get(&self, id: RequestId) -> Option<&Departure> {
        self.all.get(&id)
    }

    fn insert(&mut self, id: RequestId, it: Departure) {
        self.places.insert((it.room.clone(), it.focus.clone()), id);
        self.all.insert(id, it);
    }
}

impl Core {
    /// What a request means for the rooms that are to be left: whoever joins one leaves it no more.
    pub(crate) fn note_departure(&mut self, id: RequestId, request: &SignalRequest) {
        if let SignalRequest::Leave { focus, room } = request {
            self.is_out(focus, room);
            let it = Departure { focus: focus.clone(), room: room.clone(), failures: 0, again: None };
            self.departures.insert(id, it);
            self.changed(RecordKey::Leave(id));
            while self.departures.all.len() > self.config.limits.departures {
                let Some((first, _)) = self.departures.all.first_key_value() else { break };
                self.forget_departure(*first);
            }
        } else if let SignalRequest::JoinGroup { focus, room, .. }
        | SignalRequest::JoinDirect { focus, room, .. }
        | SignalRequest::JoinAsBot { bot: focus, room, .. } = request
        {
            self.is_out(focus, room);
        }
    }

    /// One of us is in a room no more, or is coming anew: there is nothing to leave.
    pub(crate) fn is_out(&mut self, focus: &FocusUser, room: &RoomKey) {
        if let Some(id) = self.departures.places.get(&(room.clone(), focus.clone())) {
            self.forget_departure(*id);
        }
    }

    /// The fate of a leave is known. One that the homeserver denies has nothing to leave; any other that fails is tried again.
    pub(crate) fn departed(&mut self, id: RequestId, failure: Option<RequestFailure>) {
        let Some(it) = self.departures.all.get_mut(&id).filter(|it| it.again.is_none()) else { return };
        match failure {
            None | Some(RequestFailure::Forbidden | RequestFailure::NotFound) => self.forget_departure(id),
            Some(RequestFailure::Rejected | RequestFailure::Expired) => {
                let longer = 1_u64.checked_shl(it.failures).unwrap_or(u64::MAX);
                let interval = Millis(FIRST_INTERVAL.0.saturating_mul(longer)).min(LONGEST_INTERVAL);
                let at = self.now + interval;
                it.again = Some(at);
                self.timers.set(TimerKind::LeaveAgain(id), at);
                self.changed(RecordKey::Leave(id));
            }
        }
    }

    /// It is time to try again.
    pub(crate) fn leave_again(&mut self, id: RequestId) {
        let Some(Departure { focus, room, failures, .. }) = self.departures.all.get(&id).cloned() else {
            return;
        };
        let id = self.send(SignalRequest::Leave { focus, room });
        if let Some(it) = self.departures.all.get_mut(&id) {
            it.failures = failures.saturating_add(1);
        }
    }

    pub(crate) fn restore_departure(&mut self, id: RequestId, it: Departure) {
        if let Some(at) = it.again {
            self.timers.set(TimerKind::LeaveAgain(id), at);
        }
        self.departures.insert(id, it);
    }

    fn forget_departure(&mut self, id: RequestId) {
        let Some(it) = self.departures.all.remove(&id) else { return };
        self.departures.places.remove(&(it.room, it.focus));
        self.timers.cancel(&TimerKind::LeaveAgain(id));
        self.changed(RecordKey::Leave(id));
    }
}
