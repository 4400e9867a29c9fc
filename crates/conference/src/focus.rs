//! The whole machine: takes inputs, finds the conference that each belongs to, gives effects, deadlines and records.
//!
//! The rules of a conference never live here, see `conference.rs`.

use alloc::vec::Vec;

mod bot;
mod calls;
mod outcomes;
mod restore;
mod rooms;
mod whereabouts;

use crate::command::Roll;
use crate::conference::Conference;
use crate::conferences::Conferences;
use crate::config::Config;
use crate::core::Core;
use crate::effect::{Effect, EndReason, SignalRequest};
use crate::id::{CallKey, ConferenceId, LegId, RoomKey};
use crate::input::Input;
use crate::record::{Change, RecordKey};
use crate::routes::Routes;
use crate::time::Timestamp;
use crate::timer::{Deadline, TimerKind};

/// All conferences of one service.
///
/// Four kinds of method: [`handle`](Self::handle) and [`handle_timeout`](Self::handle_timeout) tell what happened,
/// [`poll_effect`](Self::poll_effect) gives what is to be done (drain it after each), [`poll_change`](Self::poll_change) what is
/// to be stored (drain it before doing anything), [`poll_timeout`](Self::poll_timeout) when to tell the time next. Time never
/// decreases; an earlier one is taken for the last one. The same inputs, times and seed give the same effects in the same order.
#[derive(Clone, Debug)]
pub struct Focus {
    core: Core,
    routes: Routes,
    conferences: Conferences,
    /// When something is forgotten next.
    forget_at: Option<Timestamp>,
    /// Conferences in which something has happened that may have to be announced.
    touched: Vec<ConferenceId>,
}

impl Focus {
    /// A machine that knows nothing yet. `seed` is where its names come from; give it from a source of real chance.
    #[must_use]
    pub fn new(config: Config, seed: u64, now: Timestamp) -> Self {
        let mut core = Core::new(config, seed, now);
        core.changed(RecordKey::Focus);
        Self {
            core,
            routes: Routes::new(seed),
            conferences: Conferences::new(seed),
            forget_at: None,
            touched: Vec::new(),
        }
    }

    /// The time as it was last told; after [`restore`](Self::restore) it may be ahead of the one given, if the wall clock went
    /// back since. A driver must not tell an earlier one: to the machine time would stand still.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.core.now
    }

    /// Who is in the conference of a group room, by name at most [`Limits::roll`](crate::Limits::roll) of them; `None` without a
    /// conference.
    #[must_use]
    pub fn roll(&self, group: &RoomKey) -> Option<Roll> {
        Some(self.conferences.of(group)?.roll(&self.core))
    }

    /// Tells the machine what happened. Whatever a peer sent, it neither blocks nor panics.
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        self.core.now = self.core.now.max(now);
        match input {
            Input::FocusInvited { focus, group, room, by, via } => self.invited(focus, group, room, by, via),
            Input::NamedFocusInvited { focus, room, by, via } => {
                match self.routes.names.group_of(&focus).cloned() {
                    Some(group) => self.invited(focus, group, room, by, via),
                    None => drop(self.core.send(SignalRequest::Leave { focus, room })),
                }
            }
            Input::BotInvited { bot, focus, room, by, via } => self.bot_invited(bot, focus, room, by, via),
            Input::NobodyInvited { focus, room } => {
                self.core.send(SignalRequest::Leave { focus, room });
            }
            Input::RoomEncrypted { room } => self.room_encrypted(room),
            Input::FocusRemoved { focus, room } => self.focus_removed(&focus, &room),
            Input::MemberRemoved { room, member } => self.member_removed(&room, &member),
            Input::RolesChanged { room, everyone, members } => {
                self.count_bot_out(&room);
                self.with_conference(&room, |it, core, routes| {
                    it.roles_changed(everyone, members, core, routes);
                });
            }
            Input::RoomReplaced { room, by } => {
                self.with_conference(&room, |it, core, routes| it.replaced(by, core, routes));
            }
            Input::Commanded { room, by, command } => self.commanded(room, &by, command),
            Input::CallInvited(invite) => self.call_invited(invite),
            Input::CallCandidates { key, party, candidates } => self.call_candidates(key, party, candidates),
            Input::CallSelected { key, selected } => {
                self.with_call(&key, |it, leg, core, routes| it.selected(leg, &selected, core, routes));
            }
            Input::CallHungUp { key, party, reason: _ } => self.call_hung_up(key, party.as_ref()),
            Input::CallNegotiated { key, party, offer, expires_in, metadata } => {
                if offer.0.len() > self.core.config.limits.sdp_bytes {
                    return;
                }
                self.with_call(&key, |it, leg, core, _| {
                    it.negotiated(leg, party.as_ref(), offer, expires_in, metadata, core);
                });
            }
            Input::CallNegotiateAnswered { key, party, answer, metadata } => {
                if answer.0.len() <= self.core.config.limits.sdp_bytes {
                    self.with_call(&key, |it, leg, core, _| {
                        it.offer_answered(leg, party.as_ref(), answer, metadata, core);
                    });
                }
            }
            Input::CallMetadataChanged { key, party, metadata } => {
                self.with_call(&key, |it, leg, core, _| it.metadata(leg, party.as_ref(), metadata, core));
            }
            Input::RequestDone { id, outcome } => self.request_done(id, &outcome),
            Input::Media(report) => self.media(report),
            Input::EngineLost => {
                for id in self.conferences.ids() {
                    self.with_conference_of(id, Conference::engine_lost);
                }
            }
            Input::CameBack => self.came_back(),
        }
        self.announce();
        self.plan_to_forget();
    }

    /// Tells the machine the time. Nothing happens before the deadline that [`poll_timeout`](Self::poll_timeout) names.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.core.now = self.core.now.max(now);
        while let Some(kind) = self.core.timers.pop_due(self.core.now) {
            match kind {
                TimerKind::InviteExpires(leg) => self.end_leg(leg, EndReason::Expired),
                TimerKind::ConnectTimeout(leg) => self.end_leg(leg, EndReason::NeverConnected),
                TimerKind::ReconnectGrace(leg) => self.end_leg(leg, EndReason::MediaLost),
                TimerKind::MediaTimeout(leg) => self.end_leg(leg, EndReason::NoMedia),
                TimerKind::Recovery(leg) => {
                    self.with_leg(leg, |it, core, routes| it.recovery_due(leg, core, routes));
                }
                TimerKind::InvitationGrace(group, focus) => {
                    self.with_conference(&group, |it, core, routes| it.door_refused(&focus, core, routes));
                }
                TimerKind::Idle(group, focus) => {
                    self.with_conference(&group, |it, core, routes| it.idle_over(&focus, core, routes));
                }
                TimerKind::Linger(group) => self.with_conference(&group, Conference::linger_over),
                TimerKind::Compare(group) => self.with_conference(&group, Conference::compare),
                // What is to be announced is looked at after everything that happens in a conference.
                TimerKind::Announce(group) => self.with_conference(&group, |_, _, _| ()),
                TimerKind::Alone(group) => {
                    self.with_conference(&group, |it, core, _| it.alone_due(core));
                }
                TimerKind::Picture(group) => self.with_conference(&group, |it, _, _| it.picture_due()),
                TimerKind::Layout(group) => self.with_conference(&group, |it, core, _| it.rest_over(core)),
                TimerKind::OfferAgain(leg) => self.with_leg(leg, |it, core, _| it.line_due(leg, core)),
                TimerKind::BotAlone(room) => self.bot_alone_due(&room),
                TimerKind::DirectIdle(room) => self.direct_idle(&room),
                TimerKind::LeaveAgain(request) => self.core.leave_again(request),
                TimerKind::Forget => self.forget(),
            }
        }
        self.announce();
        self.plan_to_forget();
    }

    /// What has happened is announced when all of it is done, and not each step on the way.
    fn announce(&mut self) {
        self.touched.sort_unstable();
        self.touched.dedup();
        for id in self.touched.drain(..) {
            if let Some(conference) = self.conferences.get_mut(id) {
                conference.look(&mut self.core);
                conference.announce(&mut self.core, &mut self.routes);
            }
        }
    }

    /// Names and addresses are kept no longer than they are of use, also where nothing happens any more.
    fn forget(&mut self) {
        self.forget_at = None;
        self.routes.calls.forget_over(&mut self.core);
        self.routes.early.forget_over(&mut self.core);
        self.core.forget_deeds_over();
    }

    /// Sets the deadline for what is forgotten next.
    fn plan_to_forget(&mut self) {
        let (ended, early) = (self.routes.calls.next_over(), self.routes.early.next_over());
        let next = [ended, early, self.core.next_deeds_over()].into_iter().flatten().min();
        if next == self.forget_at {
            return;
        }
        self.forget_at = next;
        self.core.timers.set_forget(next);
    }

    /// The next thing to do; drain it until `None`.
    #[must_use]
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.core.effects.pop_front()
    }

    /// When the machine wants to be told the time, and why; `None` if it waits for inputs alone.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.core.timers.next()
    }

    /// The next record that changed; drain it until `None`, and store all of it together with the effects that are requests,
    /// before any of them is carried out.
    #[must_use]
    pub fn poll_change(&mut self) -> Option<Change> {
        let key = self.core.changes.take_first()?;
        Some(Change { key: key.to_text(), value: self.record(&key) })
    }

    /// Forgets which records changed, without writing them: for one who keeps none, in place of [`poll_change`](Self::poll_change).
    pub fn discard_changes(&mut self) {
        self.core.changes.clear();
    }

    // ---- finding the way -------------------------------------------------------------------------------------------

    fn end_leg(&mut self, leg: LegId, reason: EndReason) {
        self.with_leg(leg, |it, core, routes| it.end_leg(leg, reason, core, routes));
    }

    /// The conference of a room, which is made if there is none; `None`: there is no room for another.
    fn make_conference(&mut self, group: &RoomKey) -> Option<ConferenceId> {
        let known = self.conferences.id_of(group);
        if known.is_some() || self.conferences.len() >= self.core.config.limits.conferences {
            return known;
        }
        let conference = Conference::new(group.clone(), &mut self.core);
        let id = conference.id;
        self.conferences.insert(conference);
        Some(id)
    }

    fn with_conference(
        &mut self,
        group: &RoomKey,
        act: impl FnOnce(&mut Conference, &mut Core, &mut Routes),
    ) {
        if let Some(id) = self.conferences.id_of(group) {
            self.with_conference_of(id, act);
        }
    }

    fn with_conference_of(
        &mut self,
        id: ConferenceId,
        act: impl FnOnce(&mut Conference, &mut Core, &mut Routes),
    ) {
        let Some(conference) = self.conferences.get_mut(id) else { return };
        act(conference, &mut self.core, &mut self.routes);
        if self.touched.last() != Some(&id) {
            self.touched.push(id);
        }
        if conference.is_over() {
            conference.close(&mut self.core);
            self.conferences.remove(id);
        }
    }

    fn with_leg(&mut self, leg: LegId, act: impl FnOnce(&mut Conference, &mut Core, &mut Routes)) {
        if let Some(id) = self.core.conference_of(leg) {
            self.with_conference_of(id, act);
        }
    }

    fn with_call(&mut self, key: &CallKey, act: impl FnOnce(&mut Conference, LegId, &mut Core, &mut Routes)) {
        if let Some(leg) = self.routes.calls.leg_of(key) {
            self.with_leg(leg, |it, core, routes| act(it, leg, core, routes));
        }
    }
}
