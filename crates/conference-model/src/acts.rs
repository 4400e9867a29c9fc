//! What each action means: which inputs the machine is told, and what time it is then.
//!
//! Telling and looking never live here, see `world.rs`.

mod calls;
mod engine;
mod outcomes;
mod rooms;

use confocal_conference::{
    Agreed, Command, FocusName, HangupReason, Input, LegId, MediaReport, Millis, RequestId, Timestamp,
};

use crate::action::Action;
use crate::invariants::{Broken, deadlines_of_calls_and_rooms};
use crate::outside::{Session, Wanted};
use crate::reference::is_asked_of_bot_next;
use crate::setup::{self, GROUPS, NEXT, USERS};
use crate::view::{LegView, RecoveryView, StateView};
use crate::world::World;
use calls::{metadata, which_party};

/// What well-behaved parties may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Onward {
    Carry(RequestId),
    Report(LegId, Session),
    Accept(usize),
    Wait,
    Room(u8, u8),
    Call(u8, u8),
    /// The bot is asked for the conference of a room.
    Start(u8),
}

impl World {
    pub(crate) fn act(&mut self, action: &Action) -> Result<(), Broken> {
        match *action {
            Action::Onward { which } => self.onward(which),
            // Now and then by a name that was made up, or that nobody knows.
            Action::InviteToGroup { door, by } if by >= 208 => self.invite_by_name(door, by),
            Action::InviteToGroup { door, by } => {
                let (focus, group) = setup::door(door);
                let (room, via) = (group.clone(), vec!["one.example".into()]);
                self.tell(Input::FocusInvited { focus, group, room, by: setup::user(by), via })
            }
            Action::InviteToDirect { user, room, door } => self.invite_to_direct(user, room, door),
            Action::InviteBot { group, by } => {
                let room = setup::group(group);
                let door = setup::DOORS.iter().find(|(_, of)| GROUPS[*of] == room.as_str());
                let focus = match (by >> 6, door) {
                    (0, _) => FocusName::MadeUp { before: "@conf_x".into(), after: String::new() },
                    (1, _) | (_, None) => FocusName::Nobody,
                    (_, Some((focus, _))) => FocusName::Id((*focus).into()),
                };
                let (by, via) = (setup::user(by), Vec::new());
                self.tell(Input::BotInvited { bot: setup::BOT.into(), focus, room, by, via })
            }
            Action::RemoveBot { group } => {
                let (focus, room) = (setup::BOT.into(), setup::group(group));
                self.tell(Input::FocusRemoved { focus, room })
            }
            Action::InviteNobody { user } => {
                self.tell(Input::NobodyInvited { focus: "@conf_odd".into(), room: setup::direct(user, 0) })
            }
            Action::Encrypt { user, room } => {
                // As often a group room as a 1:1 room.
                let room = if room & 0x80 == 0 { setup::direct(user, room) } else { setup::group(user) };
                self.tell(Input::RoomEncrypted { room })
            }
            Action::Call { user, place, kind, lifetime } => self.call(user, place, kind, lifetime),
            Action::Repeat { call } => {
                let Some(at) = usize::from(call).checked_rem(self.outside.calls.len()) else { return Ok(()) };
                let invite = self.outside.calls[at].invite.clone();
                self.tell(Input::CallInvited(invite))
            }
            Action::Candidates { call, party, shape } => {
                let (key, theirs) = self.known_call(call);
                let candidates = self.candidates(shape);
                self.tell(Input::CallCandidates { key, party: which_party(theirs, party), candidates })
            }
            Action::HangUp { call, party } => {
                let (key, theirs) = self.known_call(call);
                let reason = HangupReason::UserHangup;
                self.tell(Input::CallHungUp { key, party: which_party(theirs, party), reason })
            }
            Action::Select { call, ours } => {
                let (key, _) = self.known_call(call);
                let ours = self.seen.after.leg_of(&key).filter(|_| ours).map(|(_, leg)| leg.party.clone());
                self.tell(Input::CallSelected { key, selected: ours.unwrap_or_else(|| "OTHER".into()) })
            }
            Action::Negotiate { call, party, kind } => self.negotiate(call, party, kind),
            Action::NegotiateAnswer { call, party } => {
                let (key, theirs) = self.known_call(call);
                let answer = self.text("answer", false);
                let metadata = Some(metadata(party & 1 == 0));
                self.tell(Input::CallNegotiateAnswered {
                    key,
                    party: which_party(theirs, party),
                    answer,
                    metadata,
                })
            }
            Action::Metadata { call, party, muted } => {
                let (key, theirs) = self.known_call(call);
                let (party, metadata) = (which_party(theirs, party), metadata(muted));
                self.tell(Input::CallMetadataChanged { key, party, metadata })
            }
            Action::LeaveGroup { user, group } => {
                self.tell(Input::MemberRemoved { room: setup::group(group), member: setup::user(user) })
            }
            Action::LeaveDirect { user, of, room } => {
                self.tell(Input::MemberRemoved { room: setup::direct(of, room), member: setup::user(user) })
            }
            Action::RemoveFocus { door } => {
                let (focus, room) = setup::door(door);
                self.tell(Input::FocusRemoved { focus, room })
            }
            Action::RemoveFocusFromDirect { door, user, room } => {
                let (focus, room) = (setup::door(door).0, setup::direct(user, room));
                self.tell(Input::FocusRemoved { focus, room })
            }
            Action::Roles { group, pattern } => self.roles(group, pattern),
            // An upgraded room is of no more use, so it is rare.
            Action::Replace { group } if group >= 64 => self.pass(Millis(500)),
            Action::Replace { group } => {
                self.tell(Input::RoomReplaced { room: setup::group(group), by: NEXT.into() })
            }
            Action::Command { user, place, command, target } => self.command(user, place, command, target),
            Action::Outcome { which, outcome } => {
                let first = self.outside.first_requests();
                let Some(at) = usize::from(which).checked_rem(first.len()) else { return Ok(()) };
                self.carry(first[at], outcome)
            }
            Action::Engine { which, report, shade } => self.report(which, report, shade),
            Action::Levels { which, loud, quality } => self.levels(which, loud, quality),
            Action::Time { how, span } => self.time(how, span),
            Action::EngineLost => self.engine_lost(),
            Action::Restart { away } => {
                self.restart(Millis(if away < 128 { 0 } else { u64::from(away - 127) * 500 }))?;
                // Mostly the homeserver is there then.
                if away % 4 == 0 { Ok(()) } else { self.tell(Input::CameBack) }
            }
        }
    }

    // ---- what goes as it should ------------------------------------------------------------------------------------

    fn onward(&mut self, which: u8) -> Result<(), Broken> {
        let mut next = self.possible(which >> 5);
        // What is under way goes on before something new begins, mostly.
        let under_way =
            |onward: &Onward| !matches!(onward, Onward::Room(..) | Onward::Call(..) | Onward::Start(_));
        if which & 0b0110_0000 != 0 && next.iter().any(under_way) {
            next.retain(under_way);
        }
        let Some(at) = usize::from(which & 31).checked_rem(next.len()) else { return self.pass(Millis(100)) };
        match next[at] {
            Onward::Carry(id) => self.carry(id, 0),
            Onward::Report(leg, session) => self.report_as_wanted(leg, session),
            Onward::Accept(at) => {
                let call = &mut self.outside.calls[at];
                call.offered = false;
                let (key, party) = (call.invite.key.clone(), call.invite.party.clone());
                let answer = self.text("answer", false);
                self.tell(Input::CallNegotiateAnswered {
                    key,
                    party,
                    answer,
                    metadata: Some(metadata(false)),
                })
            }
            Onward::Wait => self.time(0, 0),
            Onward::Room(user, room) => self.invite_to_direct(user, room, setup::natural_door(room)),
            Onward::Call(user, room) => self.call(user, room, 0, 255),
            Onward::Start(group) => {
                let (room, by) = (setup::group(group), setup::user(which));
                self.tell(Input::Commanded { room, by, command: Command::Start })
            }
        }
    }

    /// All that may go on: requests, sessions, answers to our offers, and people who are in no call.
    fn possible(&self, taste: u8) -> Vec<Onward> {
        let mut next: Vec<Onward> = self.outside.first_requests().into_iter().map(Onward::Carry).collect();
        let waits = |session: &Session| match session.wanted {
            Wanted::Answer | Wanted::Offer => true,
            Wanted::Nothing => !session.up,
            Wanted::Acceptance => false,
        };
        let sessions = self.outside.sessions.iter().filter(|(_, session)| waits(session));
        next.extend(sessions.map(|(leg, session)| Onward::Report(*leg, *session)));
        let offered = self.outside.calls.iter().enumerate().filter(|(_, call)| call.offered);
        next.extend(offered.map(|(at, _)| Onward::Accept(at)));
        // A call that gets a new session is given a moment first.
        let pauses = |leg: &LegView| matches!(leg.state, StateView::Recovering(RecoveryView::Pausing { .. }));
        if self.seen.after.legs.values().any(pauses) {
            next.push(Onward::Wait);
        }
        // Most are at home in the first room; now and then someone goes to the second.
        let room = u8::from(taste == 7);
        for number in 0..USERS.len() as u8 {
            let (who, place) = (setup::user(number), setup::direct(number, room));
            if self.seen.after.legs.values().any(|leg| leg.key.caller == who) {
                continue;
            }
            let known = self.seen.after.directs.contains_key(&place);
            next.push(if known { Onward::Call(number, room) } else { Onward::Room(number, room) });
        }
        let starts = |group: &u8| is_asked_of_bot_next(&self.seen, &setup::group(*group));
        next.extend((0..GROUPS.len() as u8).filter(starts).map(Onward::Start));
        next
    }

    fn report_as_wanted(&mut self, leg: LegId, session: Session) -> Result<(), Broken> {
        let generation = session.generation;
        let report = match session.wanted {
            // Each other change that a caller offers is a hold.
            Wanted::Answer => {
                // Whoever was not held before sends pictures, and each third call a screen.
                let held = session.number.0 % 2 == 1;
                let agreed = Agreed { held, camera: true, screen: leg.0.is_multiple_of(3), pictures: true };
                self.answer_ready(leg, session, session.number, agreed)
            }
            Wanted::Offer => self.offer_ready(leg, session, session.number),
            Wanted::Nothing | Wanted::Acceptance => MediaReport::TransportUp { leg, generation },
        };
        self.engine_says(leg, report)
    }

    // ---- time ------------------------------------------------------------------------------------------------------

    fn time(&mut self, how: u8, span: u8) -> Result<(), Broken> {
        const SOON: Millis = Millis::from_secs(600);
        let wide = u64::from(span);
        let ahead_of = |at: Option<Timestamp>| at.map_or(Millis(0), |at| at.since(self.now()));
        let next = ahead_of(self.next_deadline());
        let ahead = ahead_of(deadlines_of_calls_and_rooms(&self.seen).min());
        let rests = self.seen.after.conferences.values().map(|it| &it.showing);
        let rest = rests.filter(|it| !it.rested).filter_map(|it| it.rests_until).min();
        match how % 8 {
            0 | 1 if ahead <= SOON => self.pass(ahead),
            2 if ahead <= SOON => self.pass(Millis(ahead.0 + wide)),
            // A rest is longer than anything else that is waited for in a conference.
            3 if rest.is_some() && span < 128 => self.pass(ahead_of(rest)),
            3 => self.pass(Millis(wide * 400)),
            4 | 5 => {
                self.pass_untold(Millis(wide * 100));
                Ok(())
            }
            6 => self.tell_time_early(Millis(wide)),
            7 if span < 8 || next <= SOON => self.pass(next),
            _ => self.pass(Millis(wide * 4)),
        }
    }
}
