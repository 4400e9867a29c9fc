//! Which outcomes of requests a conference waits for: those that its records name, as a restored machine knows of no others.
//!
//! What an outcome leads to never lives here.

use super::Conference;
use crate::door::{CountedOut, Door, DoorState};
use crate::id::{FocusUser, LegId, RequestId};
use crate::leg::{Leg, LegState, Recovery};
use crate::routes::Purpose;
use crate::second_line::Asking;

impl Conference {
    /// Whether the outcome of a request is still waited for. Otherwise what it was made for is over, or was asked anew.
    pub(crate) fn awaits(&self, id: RequestId, purpose: &Purpose) -> bool {
        match purpose {
            Purpose::JoinGroup { focus, .. } => self.door_is(
                focus,
                |door| matches!(door.state, DoorState::Joining { request, .. } if request == id),
            ),
            Purpose::LeaveGroup { focus, .. } => self
                .door_is(focus, |door| matches!(door.state, DoorState::Leaving { request } if request == id)),
            Purpose::Compare { focus, .. } => {
                self.door_is(focus, |door| door.comparing.is_some_and(|asked| asked.request == id))
            }
            Purpose::CountOut { focus, .. } => {
                self.door_is(focus, |door| door.counted_out == CountedOut::Asked(id))
            }
            Purpose::Announce { .. } => self.announcing.awaits(id),
            Purpose::Admission(leg) => self.leg_is(
                *leg,
                |leg| matches!(leg.state, LegState::Ringing { admission: Some(request), .. } if request == id),
            ),
            Purpose::Answer(leg) => self.leg_is(*leg, |leg| leg.answer == Some(id)),
            Purpose::Offer(leg) => self.leg_is(*leg, |leg| {
                matches!(leg.state, LegState::Recovering(Recovery::Offered { request, .. }) if request == id)
                    || matches!(leg.second.asking, Asking::Out { request, .. } if request == id)
            }),
            // Of no conference.
            Purpose::JoinDirect { .. } | Purpose::Bot { .. } | Purpose::Rooms { .. } => false,
        }
    }

    fn door_is(&self, focus: &FocusUser, so: impl FnOnce(&Door) -> bool) -> bool {
        self.doors.get(focus).is_some_and(so)
    }

    fn leg_is(&self, leg: LegId, so: impl FnOnce(&Leg) -> bool) -> bool {
        self.legs.get(&leg).is_some_and(so)
    }
}
