//! Comparing who is in the conference with who is joined to the group room: rule R4 also where no event tells of a leaving.
//!
//! State resolution changes memberships without an event to us, and an event that a homeserver soft-fails never comes
//! (<https://spec.matrix.org/v1.15/server-server-api/#soft-failure>). How the homeserver is asked never lives here.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::Conference;
use crate::core::Core;
use crate::effect::{EndReason, SignalRequest};
use crate::id::{FocusUser, LegId, MemberId, RequestId};
use crate::input::Membership;
use crate::routes::{Purpose, Routes};
use crate::time::Millis;
use crate::timer::TimerKind;

/// The least time between two comparisons.
const SHORTEST_INTERVAL: Millis = Millis::from_secs(1);

/// A comparison under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Comparison {
    pub(crate) request: RequestId,
    /// The last call that there was when it was asked for: one that came later was let in by a later answer.
    newest: LegId,
}

impl Conference {
    /// Someone is in the conference: memberships are compared from now on.
    pub(super) fn plan_comparison(&mut self, core: &mut Core) {
        if self.compare_at.is_none() {
            self.compare_later(core);
        }
    }

    /// Nobody is in it any more.
    pub(super) fn cancel_comparison(&mut self, core: &mut Core) {
        if self.compare_at.take().is_some() {
            core.timers.cancel(&TimerKind::Compare(self.group.clone()));
            self.changed(core);
        }
    }

    fn compare_later(&mut self, core: &mut Core) {
        let at = core.now + core.config.compare_interval.max(SHORTEST_INTERVAL);
        self.compare_at = Some(at);
        core.timers.set(TimerKind::Compare(self.group.clone()), at);
        self.changed(core);
    }

    /// Asks of everyone who is in the conference whether they are joined to the group room: each focus user asks of those who
    /// called it, so that it is seen too whether the focus user itself still is. One that waits for an answer does not ask again.
    pub(crate) fn compare(&mut self, core: &mut Core, routes: &mut Routes) {
        if self.present.is_empty() {
            return;
        }
        self.compare_later(core);
        let (Some(newest), Some(expires)) = (self.legs.last(), self.compare_at) else { return };
        let idle = self.doors.iter().filter(|(_, door)| door.is_joined() && door.comparing.is_none());
        let asking: Vec<FocusUser> = idle.map(|(focus, _)| focus.clone()).collect();
        for focus in asking {
            let callers = self.legs.values().filter(|leg| leg.focus == focus && leg.is_admitted());
            let members: BTreeSet<MemberId> = callers.map(|leg| leg.key.caller.clone()).collect();
            if members.is_empty() {
                continue;
            }
            let (room, focus_user) = (self.group.clone(), focus.clone());
            let request =
                core.send(SignalRequest::CompareMembers { focus: focus_user, room, members, expires });
            let purpose = Purpose::Compare { group: self.group.clone(), focus: focus.clone() };
            routes.requests.insert(request, purpose);
            if let Some(door) = self.doors.get_mut(&focus) {
                door.comparing = Some(Comparison { request, newest });
            }
        }
    }

    /// The homeserver has said who is absent, or can't say it: then nothing follows, and it is asked again at its time.
    pub(crate) fn compared(
        &mut self,
        focus: &FocusUser,
        answer: Option<&Membership>,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let Some(door) = self.doors.get_mut(focus) else { return };
        let Some(Comparison { newest, .. }) = door.comparing.take() else { return };
        let joined = door.is_joined();
        self.changed(core);
        let Some(answer) = answer else { return };
        if !answer.focus_joined {
            if joined {
                self.door_removed(focus, core, routes);
            }
            return;
        }
        for member in &answer.absent {
            let Some(legs) = self.members.get(member).map(|member| member.legs.clone()) else { continue };
            for leg in legs.into_iter().filter(|leg| *leg <= newest) {
                self.end_leg(leg, EndReason::LeftGroup, core, routes);
            }
        }
    }
}
