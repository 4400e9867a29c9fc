//! Calls ending: who must go (rules R4, R5), what the caller is told, and the time that begins when nobody is left (rule R7).
//!
//! Focus users leaving never live here.

use alloc::vec::Vec;

use super::Conference;
use crate::call::HangupReason;
use crate::core::Core;
use crate::effect::{ConferenceEvent, EndReason, LegNews, Notice, Refusal, SignalRequest};
use crate::engine::MediaCommand;
use crate::id::{FocusUser, LegId, MemberId, RoomKey};
use crate::leg::Leg;
use crate::record::RecordKey;
use crate::routes::Routes;
use crate::sound::Sound;
use crate::time::Millis;
use crate::timer::TimerKind;

/// The least that rule R7 waits, since a call that still rings is looked for again at this rate.
const SHORTEST_LINGER: Millis = Millis(100);

impl Conference {
    /// Someone is no longer in the group room (rule R4): all their calls end, at once.
    pub(crate) fn member_left_group(&mut self, member: &MemberId, core: &mut Core, routes: &mut Routes) {
        let Some(legs) = self.members.get(member).map(|member| member.legs.clone()) else { return };
        for leg in legs {
            self.end_leg(leg, EndReason::LeftGroup, core, routes);
        }
    }

    /// Someone is no longer in a 1:1 room (rule R5): their calls placed there end.
    pub(crate) fn member_left_direct(
        &mut self,
        room: &RoomKey,
        member: &MemberId,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        self.end_legs(
            |leg| leg.key.caller == *member && leg.key.room == *room,
            EndReason::LeftDirect,
            core,
            routes,
        );
    }

    /// The focus user is no longer in a 1:1 room: calls placed there can't be signalled any more.
    pub(crate) fn focus_left_direct(
        &mut self,
        room: &RoomKey,
        focus: &FocusUser,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        self.end_legs(
            |leg| leg.focus == *focus && leg.key.room == *room,
            EndReason::FocusRemovedFromDirect,
            core,
            routes,
        );
    }

    pub(super) fn legs_by(&self, wanted: impl Fn(&Leg) -> bool) -> Vec<LegId> {
        self.legs.values().filter(|leg| wanted(leg)).map(|leg| leg.id).collect()
    }

    pub(super) fn end_legs(
        &mut self,
        wanted: impl Fn(&Leg) -> bool,
        reason: EndReason,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        for id in self.legs_by(wanted) {
            self.end_leg(id, reason, core, routes);
        }
    }

    /// Ends a leg: its media at once, then the caller is told what there is to tell.
    pub(crate) fn end_leg(&mut self, id: LegId, reason: EndReason, core: &mut Core, routes: &mut Routes) {
        if let Some(leg) = self.legs.get(&id).filter(|leg| leg.has_media()) {
            core.media(MediaCommand::Close { leg: id, generation: leg.generation });
        }
        self.end_leg_without_media(id, reason, core, routes);
    }

    /// As [`end_leg`](Self::end_leg), for a leg whose session the engine does not know any more.
    pub(super) fn end_leg_without_media(
        &mut self,
        id: LegId,
        reason: EndReason,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let Some(mut leg) = self.legs.remove(&id) else { return };
        leg.disarm(&mut core.timers);
        if reason == EndReason::Restarted {
            self.stay_for_redial(core);
        }
        if let Some(wire) = farewell(reason) {
            let to = leg.address();
            core.send(if leg.is_answered() {
                SignalRequest::Hangup { to, reason: wire }
            } else {
                SignalRequest::Reject { to }
            });
        }
        if let Some(notice) = self.notice(reason) {
            core.send(SignalRequest::Notice { focus: leg.focus.clone(), room: leg.key.room.clone(), notice });
        }
        core.notify(ConferenceEvent::Leg {
            conference: self.id,
            participant: leg.participant,
            member: leg.key.caller.clone(),
            leg: id,
            state: LegNews::Left(reason),
        });
        core.changed(RecordKey::Leg(id));
        routes.remove_leg(&leg);
        core.voices.remove(&id);
        self.pictures.remove(&id);
        self.pictures_gone(&leg);
        if let Some(member) = self.members.get_mut(&leg.key.caller) {
            member.legs.retain(|leg| *leg != id);
        }
        self.quiet_if_not_live(&leg.key.caller, core);
        self.exit_if_gone(&leg.key.caller, core);
        if leg.greeted && !self.is_present(&leg.key.caller) {
            self.tone(Sound::Left, core);
        }
        self.watch_alone(core);
        routes.call_is_over(leg.key, core);
        self.linger_if_empty(core);
    }

    pub(super) fn notice(&self, reason: EndReason) -> Option<Notice> {
        match reason {
            EndReason::Refused(Refusal::RoomReplaced) if let Some(by) = &self.replaced_by => {
                Some(Notice::RoomReplaced { group: self.group.clone(), by: by.clone() })
            }
            EndReason::Refused(why) => Some(Notice::Refused { why, group: self.group.clone() }),
            EndReason::LeftGroup
            | EndReason::FocusRemoved
            | EndReason::Replaced
            | EndReason::NeverConnected
            | EndReason::MediaLost
            | EndReason::NoMedia
            | EndReason::Kicked
            | EndReason::Ended
            | EndReason::Restarted
            | EndReason::AnswerUndeliverable
            | EndReason::Renegotiation(_) => Some(Notice::Ended { why: reason, group: self.group.clone() }),
            // The caller did it, or can't be told: nobody is in the room to read it, or we are not.
            EndReason::CallerHungUp
            | EndReason::AnsweredElsewhere
            | EndReason::LeftDirect
            | EndReason::FocusRemovedFromDirect
            | EndReason::Expired => None,
        }
    }

    /// Rule R7: when the last one has left, the time begins after which the conference is over, and the focus leaves unless it is to
    /// stay. A call that is refused meanwhile does not make it longer.
    pub(super) fn linger_if_empty(&mut self, core: &mut Core) {
        if self.used && self.legs.is_empty() && self.linger_until.is_none() {
            self.linger(core);
        }
    }

    pub(super) fn linger(&mut self, core: &mut Core) {
        let until = core.now + core.config.linger.max(SHORTEST_LINGER);
        let until = self.redial_until.map_or(until, |redial| until.max(redial));
        self.linger_until = Some(until);
        core.timers.set(TimerKind::Linger(self.group.clone()), until);
        self.changed(core);
    }

    /// Whoever was hung up for a loss on our side is given time to call again, also where other calls go on for a while: out of a
    /// private room the focus would need a new invitation.
    fn stay_for_redial(&mut self, core: &mut Core) {
        self.redial_until = Some(core.now + core.config.linger.max(core.config.reconnect_grace));
        self.changed(core);
    }

    pub(super) fn cancel_linger(&mut self, core: &mut Core) {
        if self.linger_until.take().is_some() {
            core.timers.cancel(&TimerKind::Linger(self.group.clone()));
            self.changed(core);
        }
    }
}

/// What the caller's client is told when a leg ends; `None` where it knows, or can't be told.
const fn farewell(reason: EndReason) -> Option<HangupReason> {
    match reason {
        EndReason::CallerHungUp
        | EndReason::AnsweredElsewhere
        | EndReason::FocusRemovedFromDirect
        | EndReason::Expired => None,
        EndReason::LeftGroup
        | EndReason::LeftDirect
        | EndReason::FocusRemoved
        | EndReason::Replaced
        | EndReason::Kicked
        | EndReason::Ended => Some(HangupReason::UserHangup),
        EndReason::NeverConnected => Some(HangupReason::IceTimeout),
        EndReason::MediaLost | EndReason::NoMedia => Some(HangupReason::IceFailed),
        // An answer that was not taken may have arrived all the same: what the homeserver says of it is not always so.
        EndReason::Restarted
        | EndReason::Refused(_)
        | EndReason::AnswerUndeliverable
        | EndReason::Renegotiation(_) => Some(HangupReason::UnknownError),
    }
}
