//! The conference in its group room: announced in the room's state, said to begin and to be over, and its focus users not counted
//! as people (rule R9).
//!
//! What an announcement is never lives here, see `announcement.rs`.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::Conference;
use crate::announcement::{Announcement, rounded};
use crate::core::Core;
use crate::door::{CountedOut, Door};
use crate::effect::{Notice, SignalRequest};
use crate::id::{FocusUser, MemberId, RequestId};
use crate::input::RequestFailure;
use crate::routes::{Purpose, Routes};
use crate::time::{Millis, Timestamp};
use crate::timer::TimerKind;

/// The least time between two announcements: each is a state event, which every server in the room keeps. The end is told at
/// once.
const APART: Millis = Millis::from_secs(30);

/// What the room's state says of the conference; part of its record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announcing {
    /// What stands there, and whose it is.
    standing: Option<(FocusUser, Announcement)>,
    /// The request that is under way.
    request: Option<RequestId>,
    /// The next one may not be made before.
    not_before: Option<Timestamp>,
    /// When the next one is made.
    due: Option<Timestamp>,
    /// It was not allowed; the room's roles may change that.
    refused: bool,
}

impl Announcing {
    /// The request that is under way is this one.
    pub(super) fn awaits(&self, id: RequestId) -> bool {
        self.request == Some(id)
    }
}

impl Conference {
    /// Sees to it that the room's state says what is; called when all is done that something leads to in a conference.
    pub(crate) fn announce(&mut self, core: &mut Core, routes: &mut Routes) {
        let wanted = self.wanted(core);
        let waits = wanted.is_some() && self.announcing.request.is_none() && !self.announcing.refused;
        let due = match self.announcing.not_before {
            _ if !waits => None,
            Some(at) if at > core.now => Some(at),
            _ => Some(core.now),
        };
        if due == Some(core.now)
            && let Some((focus, announcement)) = wanted
        {
            let request = core.send(SignalRequest::Announce {
                focus: focus.clone(),
                room: self.group.clone(),
                announcement: Some(announcement.clone()),
            });
            routes.requests.insert(request, Purpose::Announce { group: self.group.clone() });
            self.announcing.standing = Some((focus, announcement));
            self.announcing.request = Some(request);
            self.announcing.not_before = Some(core.now + APART);
            self.changed(core);
            self.announce_at(None, core);
        } else {
            self.announce_at(due, core);
        }
    }

    /// What should be announced, and is not, by a focus user who can.
    fn wanted(&self, core: &Core) -> Option<(FocusUser, Announcement)> {
        if !core.config.discovery.announce || self.present.is_empty() {
            return None;
        }
        let started = self.started?;
        let standing = self.announcing.standing.as_ref();
        // Whose announcement stands is in the room, and goes on with it.
        let focus = standing.map(|(focus, _)| focus).or_else(|| self.joined_door())?;
        let names: Vec<MemberId> = if core.config.discovery.names {
            let names = self.present.iter().take(core.config.limits.announced_names);
            names.map(|(_, member)| member.clone()).collect()
        } else {
            Vec::new()
        };
        let (participants, pictures) = (rounded(self.present.len()), !self.pictures.is_empty());
        let recorded = self.recording.is_some();
        let announcement = Announcement { started, participants, pictures, recorded, names };
        let stands = standing.is_some_and(|(who, what)| who == focus && *what == announcement);
        (!stands).then(|| (focus.clone(), announcement))
    }

    fn announce_at(&mut self, due: Option<Timestamp>, core: &mut Core) {
        if self.announcing.due == due {
            return;
        }
        self.announcing.due = due;
        self.changed(core);
        let timer = TimerKind::Announce(self.group.clone());
        match due {
            Some(at) => core.timers.set(timer, at),
            None => core.timers.cancel(&timer),
        }
    }

    /// The fate of an announcement is known.
    pub(crate) fn announced(&mut self, failure: Option<RequestFailure>, core: &mut Core) {
        self.announcing.request = None;
        match failure {
            // Of one that ran out it is not known whether it stands: it is taken back as if it did.
            None | Some(RequestFailure::Expired) => {}
            Some(RequestFailure::Forbidden | RequestFailure::NotFound | RequestFailure::Rejected) => {
                self.announcing.refused = true;
                self.announcing.standing = None;
            }
        }
        self.changed(core);
    }

    /// What a focus user has announced is taken back: the conference is over, or it leaves.
    pub(super) fn withdraw(&mut self, core: &mut Core) {
        self.announce_at(None, core);
        if let Some((focus, _)) = self.announcing.standing.take() {
            self.announcing.request = None;
            self.announcing.not_before = Some(core.now + APART);
            core.send(SignalRequest::Announce { focus, room: self.group.clone(), announcement: None });
            self.changed(core);
        }
    }

    /// A focus user is not in the room any more, or was not when it joins again: what it has announced can't be taken back, and
    /// counts no more, as whoever reads it can see. What is left of it at a join is cleared with the join.
    pub(super) fn announcer_gone(&mut self, focus: &FocusUser) {
        if self.announcing.standing.as_ref().is_some_and(|(who, _)| who == focus) {
            self.announcing.standing = None;
            self.announcing.request = None;
        }
    }

    /// Power in the room has changed, and what was refused may be allowed.
    pub(super) fn power_changed(&mut self, core: &mut Core, routes: &mut Routes) {
        if self.announcing.refused {
            self.announcing.refused = false;
            self.changed(core);
        }
        if !core.config.discovery.count_out {
            return;
        }
        let counted = |door: &Door| door.counted_out != CountedOut::Not || !door.is_joined();
        for (focus, door) in self.doors.iter_mut().filter(|(_, door)| !counted(door)) {
            let room = self.group.clone();
            let request = core.send(SignalRequest::CountOut { focus: focus.clone(), room: room.clone() });
            door.counted_out = CountedOut::Asked(request);
            routes.requests.insert(request, Purpose::CountOut { room, focus: focus.clone() });
        }
        self.changed(core);
    }

    /// The fate of that is known.
    pub(crate) fn counted_out(
        &mut self,
        focus: &FocusUser,
        failure: Option<RequestFailure>,
        core: &mut Core,
    ) {
        let Some(door) = self.doors.get_mut(focus) else { return };
        door.counted_out = if failure.is_none() { CountedOut::Done } else { CountedOut::Not };
        self.changed(core);
    }

    // ---- in words --------------------------------------------------------------------------------------------------

    /// The first call was answered.
    pub(super) fn begin(&mut self, focus: &FocusUser, by: &MemberId, core: &mut Core) {
        if self.started.is_some() {
            return;
        }
        self.started = Some(core.now);
        self.changed(core);
        if core.config.discovery.notices && self.is_joined(focus) {
            let notice = Notice::Began { group: self.group.clone(), by: by.clone() };
            core.send(SignalRequest::Notice { focus: focus.clone(), room: self.group.clone(), notice });
        }
    }

    /// It is over, and the focus is still in the room.
    pub(super) fn say_it_is_over(&mut self, core: &mut Core) {
        self.withdraw(core);
        let Some(started) = self.started.take().filter(|_| core.config.discovery.notices) else { return };
        if let Some(focus) = self.joined_door().cloned() {
            let notice = Notice::Over { group: self.group.clone(), lasted: core.now.since(started) };
            core.send(SignalRequest::Notice { focus, room: self.group.clone(), notice });
        }
    }

    /// Takes up from the record what is under way.
    pub(super) fn restore_announcing(&self, core: &mut Core, routes: &mut Routes) {
        if let Some(request) = self.announcing.request {
            routes.requests.insert(request, Purpose::Announce { group: self.group.clone() });
        }
        if let Some(at) = self.announcing.due {
            core.timers.set(TimerKind::Announce(self.group.clone()), at);
        }
        for (focus, door) in &self.doors {
            if let CountedOut::Asked(request) = door.counted_out {
                let purpose = Purpose::CountOut { room: self.group.clone(), focus: focus.clone() };
                routes.requests.insert(request, purpose);
            }
        }
    }
}
