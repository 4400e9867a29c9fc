//! What each action means: which inputs the machine is told, and what time it is then.
//!
//! Telling and looking never live here, see `world.rs`.

use std::collections::BTreeSet;

use confocal_conference::{
    Admission, Agreed, CallInvite, CallKey, CallVersion, Candidate, Command, ConferenceId, FocusName,
    FocusUser, HangupReason, Input, LegId, LegLevel, LevelDbov, MediaReport, Membership, Millis, OfferNumber,
    OfferRefusal, PartyId, RecordingFailure, RecordingId, RequestId, RequestOutcome, Role, RoomKey, Sdp,
    SessionMemo, SignalRequest, StreamInfo, StreamMetadata, StreamPurpose, Timestamp,
};

use crate::action::{self, About, Action, CallKind, Invitee, Outcome};
use crate::invariants::{Broken, deadlines_of_calls_and_rooms};
use crate::outside::{Session, Wanted};
use crate::reference::is_asked_of_bot_next;
use crate::setup::{self, CANDIDATE, GROUPS, NEXT, USERS};
use crate::view::{DoorView, LegView, RecoveryView, StateView};
use crate::world::World;

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
            Action::Levels { which, loud } => self.levels(which, loud),
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
                let agreed = Agreed { held, camera: true, screen: leg.0 % 3 == 0, pictures: true };
                self.answer_ready(leg, session, session.number, agreed)
            }
            Wanted::Offer => self.offer_ready(leg, session, session.number),
            Wanted::Nothing | Wanted::Acceptance => MediaReport::TransportUp { leg, generation },
        };
        self.engine_says(leg, report)
    }

    // ---- rooms -----------------------------------------------------------------------------------------------------

    fn invite_to_direct(&mut self, user: u8, room: u8, door: u8) -> Result<(), Broken> {
        let (focus, group) = setup::door(door);
        // Now and then someone else brings the focus user in.
        let by = setup::user(if door >= 224 { user.wrapping_add(1) } else { user });
        let (room, via) = (setup::direct(user, room), vec!["two.example".into()]);
        if room == group {
            return Ok(());
        }
        self.tell(Input::FocusInvited { focus, group, room, by, via })
    }

    fn invite_by_name(&mut self, name: u8, by: u8) -> Result<(), Broken> {
        let names: Vec<_> = self.seen.after.names.values().collect();
        let known = usize::from(name >> 1).checked_rem(names.len()).map(|at| names[at]);
        let focus = known.map_or_else(|| "@conf_xnobody".into(), |name| name.focus.clone());
        let group = known.map_or_else(|| setup::group(name), |name| name.group.clone());
        let room = if name & 1 == 0 { group } else { setup::direct(by, 0) };
        self.tell(Input::NamedFocusInvited { focus, room, by: setup::user(by), via: Vec::new() })
    }

    fn roles(&mut self, group: u8, pattern: u8) -> Result<(), Broken> {
        let everyone = action::role(pattern >> 6);
        let members =
            (0..USERS.len() as u8).map(|user| (setup::user(user), action::role(pattern >> (2 * user))));
        let members = members.filter(|(_, role)| *role != everyone).collect();
        self.tell(Input::RolesChanged { room: setup::group(group), everyone, members })
    }

    /// Mostly someone who is in a conference asks it for something about someone in it; now and then anyone about anyone.
    fn command(&mut self, user: u8, place: u8, command: u8, target: u8) -> Result<(), Broken> {
        let asked = action::command(command, target);
        let people: Vec<_> = self.seen.after.legs.values().filter(|leg| leg.is_admitted()).collect();
        if people.is_empty() && user & 3 != 0 {
            return self.onward(target);
        }
        let person = usize::from(user).checked_rem(people.len()).filter(|_| user < 224).map(|at| people[at]);
        let Some(person) = person else {
            let room = match place % 4 {
                0 | 1 => setup::group(0),
                2 => setup::direct(user, 0),
                _ => setup::group(1),
            };
            return self.tell(Input::Commanded { room, by: setup::user(user), command: asked });
        };
        let group = person.group.clone();
        let here = people.iter().filter(|other| other.group == group);
        let about: Vec<_> = here.map(|other| other.key.caller.clone()).collect();
        let about = usize::from(target >> 1).checked_rem(about.len()).map(|at| about[at].clone());
        // Whoever may not ask for it is denied it often enough; here a moderator asks, if there is one.
        let reference = self.seen.reference.groups.get(&group);
        let moderator = reference.and_then(|it| {
            it.present.keys().find(|member| it.role(member) == Role::Moderator).filter(|_| user & 3 != 0)
        });
        let own = matches!(action::about(&asked), About::Oneself);
        let by = moderator.filter(|_| !own).unwrap_or(&person.key.caller).clone();
        let leg = people.iter().find(|leg| leg.key.caller == by && leg.group == group);
        let direct = leg.map(|leg| leg.key.room.clone()).filter(|_| place & 1 == 0);
        let room = direct.unwrap_or(group);
        let command = match about {
            Some(about) if target < 240 => action::about_member(asked, about),
            Some(_) | None => asked,
        };
        self.tell(Input::Commanded { room, by, command })
    }

    // ---- calls -----------------------------------------------------------------------------------------------------

    fn call(&mut self, user: u8, place: u8, kind: u8, lifetime: u8) -> Result<(), Broken> {
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

    fn negotiate(&mut self, call: u8, party: u8, kind: u8) -> Result<(), Broken> {
        let (key, theirs) = self.known_call(call);
        let offer = self.text("offer", kind == 255);
        let expires_in = Millis(if kind.is_multiple_of(16) { 0 } else { 10_000 });
        let metadata = (kind & 1 == 0).then(|| metadata(kind & 2 == 0));
        let party = which_party(theirs, party);
        self.tell(Input::CallNegotiated { key, party, offer, expires_in, metadata })
    }

    /// A call that was placed, mostly one that goes on; or the next one that somebody will place.
    fn known_call(&self, number: u8) -> (CallKey, Option<PartyId>) {
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

    fn text(&mut self, what: &str, huge: bool) -> Sdp {
        self.outside.next_text += 1;
        let mut text = format!("sdp:{what}:{}", self.outside.next_text);
        if huge {
            text.push_str(&"x".repeat(self.seen.setup.config.limits.sdp_bytes));
        }
        Sdp(text)
    }

    fn candidates(&mut self, shape: u8) -> Vec<Candidate> {
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

    // ---- outcomes --------------------------------------------------------------------------------------------------

    pub(crate) fn carry(&mut self, id: RequestId, outcome: u8) -> Result<(), Broken> {
        let Some(request) = self.outside.over(id) else { return Ok(()) };
        let outcome = match (&request, outcome_of(&request, outcome)) {
            (SignalRequest::AskRooms { focus, .. }, RequestOutcome::Done) => {
                RequestOutcome::Rooms(self.rooms_of(focus, outcome))
            }
            (_, outcome) => outcome,
        };
        let invited = outcome == RequestOutcome::Done;
        let good = !matches!(outcome, RequestOutcome::Failed(_));
        self.tell(Input::RequestDone { id, outcome })?;
        if !good {
            return Ok(());
        }
        if let SignalRequest::JoinGroup { room, .. } = request {
            // Roles are told after each join of a group room.
            let members = [(setup::user(0), Role::Moderator), (setup::user(1), Role::Speaker)].into();
            return self.tell(Input::RolesChanged { room, everyone: Role::Member, members });
        }
        if let (SignalRequest::InviteFocus { bot, room, focus }, true) = (&request, invited) {
            // Its invitation is an event like any other.
            let (by, via, room) = (bot.as_str().into(), Vec::new(), room.clone());
            let (focus, group) = (focus.clone(), room.clone());
            return self.tell(if setup::DOORS.iter().any(|(door, _)| *door == focus.as_str()) {
                Input::FocusInvited { focus, group, room, by, via }
            } else {
                Input::NamedFocusInvited { focus, room, by, via }
            });
        }
        if let SignalRequest::NegotiateOffer { to, .. } = request {
            let is_it = |call: &&mut crate::outside::Call| {
                let key = &call.invite.key;
                key.call == to.call && key.room == to.room && key.caller == to.caller
            };
            if let Some(call) = self.outside.calls.iter_mut().find(is_it) {
                call.offered = true;
            }
        }
        Ok(())
    }

    /// The rooms of one of us: as the records have it, but for one, or with one more.
    fn rooms_of(&self, focus: &FocusUser, outcome: u8) -> BTreeSet<RoomKey> {
        let after = &self.seen.after;
        let groups =
            after.conferences.iter().filter(|(_, it)| it.doors.get(focus).is_some_and(DoorView::is_joined));
        let directs = after
            .directs
            .iter()
            .filter(|(_, it)| it.doors.get(focus).is_some_and(|door| door.joining.is_none()));
        let bots = after.bots.iter().filter(|(_, it)| it.bot == *focus && it.joining.is_none());
        let mut rooms: BTreeSet<RoomKey> = groups
            .map(|(room, _)| room)
            .chain(directs.map(|(room, _)| room))
            .chain(bots.map(|(room, _)| room))
            .cloned()
            .collect();
        match Outcome::from_byte(outcome) {
            Outcome::NotJoined => drop(rooms.pop_first()),
            Outcome::ThirdPerson => drop(rooms.insert("!stray".into())),
            Outcome::Good | Outcome::Failed(_) => {}
        }
        rooms
    }

    // ---- the engine ------------------------------------------------------------------------------------------------

    fn report(&mut self, which: u8, report: u8, shade: u8) -> Result<(), Broken> {
        let sessions = self.outside.sessions_and_closed();
        let Some(at) = usize::from(which).checked_rem(sessions.len()) else { return Ok(()) };
        let (leg, mut session) = sessions[at];
        let agreed = Agreed {
            held: shade & 1 != 0,
            camera: shade & 2 != 0,
            screen: shade & 4 != 0,
            pictures: shade & 6 != 0,
        };
        let mut number = session.number;
        match shade >> 4 {
            15 => session.generation.0 = session.generation.0.wrapping_add(1),
            14 => session.generation.0 = session.generation.0.saturating_sub(1),
            13 => number = OfferNumber(number.0.saturating_sub(1)),
            12 => number = OfferNumber(number.0 + 1),
            _ => {}
        }
        let generation = session.generation;
        if report % 16 == 12
            && shade & 12 == 4
            && let Some(conference) =
                self.seen.views.keys().nth(usize::from(which) % self.seen.views.len().max(1))
        {
            let conference = *conference;
            return self.tell(Input::Media(MediaReport::FellBack { conference }));
        }
        if report % 16 == 12
            && shade & 8 != 0
            && let Some((conference, recording)) = self.recording(shade)
        {
            let why = RecordingFailure::DiskFull;
            return self.tell(Input::Media(MediaReport::RecordingFailed { conference, recording, why }));
        }
        let report = match report % 16 {
            0..=3 => self.answer_ready(leg, session, number, agreed),
            4 => self.offer_ready(leg, session, number),
            5 if shade & 8 == 0 => {
                MediaReport::OfferRefused { leg, generation, offer: number, why: OfferRefusal::NoAudio }
            }
            5 => MediaReport::NoOffer { leg, generation, number },
            6..=8 => MediaReport::TransportUp { leg, generation },
            9..=11 => MediaReport::TransportLost { leg, generation },
            12 => MediaReport::TransportFailed { leg, generation },
            13 | 14 => MediaReport::Flow { leg, generation, flowing: false },
            _ => MediaReport::Flow { leg, generation, flowing: true },
        };
        self.engine_says(leg, report)
    }

    /// A recording that is being made; now and then one that is not.
    fn recording(&self, shade: u8) -> Option<(ConferenceId, RecordingId)> {
        let mut conferences = self.seen.after.conferences.values();
        let (conference, recording) = conferences.find_map(|it| Some((it.id, it.recording.as_ref()?.id)))?;
        Some((conference, RecordingId(recording.0 + u64::from(shade & 7 == 7))))
    }

    fn answer_ready(
        &mut self,
        leg: LegId,
        session: Session,
        offer: OfferNumber,
        agreed: Agreed,
    ) -> MediaReport {
        let (answer, streams) = (self.text("answer", false), metadata(false));
        let memo = SessionMemo("memo".into());
        MediaReport::AnswerReady { leg, generation: session.generation, offer, answer, streams, agreed, memo }
    }

    fn offer_ready(&mut self, leg: LegId, session: Session, number: OfferNumber) -> MediaReport {
        let (offer, streams) = (self.text("answer", false), metadata(false));
        let memo = SessionMemo("memo".into());
        MediaReport::OfferReady { leg, generation: session.generation, number, offer, streams, memo }
    }

    /// The engine reports, and knows then what it has done.
    fn engine_says(&mut self, leg: LegId, report: MediaReport) -> Result<(), Broken> {
        if let Some(session) = self.outside.sessions.get_mut(&leg) {
            session.said(&report);
        }
        self.tell(Input::Media(report))
    }

    /// One is heard and the others are silent: once, or for long enough to become the active speaker.
    fn levels(&mut self, which: u8, loud: u8) -> Result<(), Broken> {
        let sessions = self.outside.sessions_and_closed();
        let Some(at) = usize::from(which).checked_rem(sessions.len()) else { return Ok(()) };
        let times = if loud & 0x80 == 0 { 1 } else { 5 };
        for _ in 0..times {
            self.pass(Millis(200))?;
            let level = |(number, (leg, _)): (usize, &(LegId, Session))| {
                let speaks = number == at;
                let level = LevelDbov(if speaks { -((loud & 0x3f) as i8) } else { -100 });
                LegLevel { leg: *leg, level, speaking: speaks }
            };
            let levels = sessions.iter().enumerate().map(level).collect();
            self.tell(Input::Media(MediaReport::Levels(levels)))?;
        }
        Ok(())
    }

    // ---- time ------------------------------------------------------------------------------------------------------

    fn time(&mut self, how: u8, span: u8) -> Result<(), Broken> {
        const SOON: Millis = Millis::from_secs(600);
        let wide = u64::from(span);
        let ahead_of = |at: Option<Timestamp>| at.map_or(Millis(0), |at| at.since(self.now()));
        let next = ahead_of(self.next_deadline());
        let ahead = ahead_of(deadlines_of_calls_and_rooms(&self.seen).min());
        match how % 8 {
            0 | 1 if ahead <= SOON => self.pass(ahead),
            2 if ahead <= SOON => self.pass(Millis(ahead.0 + wide)),
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

/// What comes of a request, by any number: of a question mostly an answer, of anything else that it is done.
fn outcome_of(request: &SignalRequest, number: u8) -> RequestOutcome {
    let wished = Outcome::from_byte(number);
    if let Outcome::Failed(failure) = wished {
        return RequestOutcome::Failed(failure);
    }
    let (joined, third) = (wished != Outcome::NotJoined, wished == Outcome::ThirdPerson);
    if number >= 240 {
        return RequestOutcome::Done;
    }
    if let SignalRequest::CompareMembers { members, .. } = request {
        // Not joined: everyone, or all but one or two. A third person: the focus user is the one who is not there.
        let absent = members.iter().enumerate().filter(|(at, _)| number >> 3 & (1 << at) == 0);
        let absent = absent.filter(|_| !joined).map(|(_, member)| member.clone()).collect();
        return RequestOutcome::Membership(Membership { focus_joined: !third, absent });
    }
    if matches!(request, SignalRequest::AskAdmission { .. }) {
        return RequestOutcome::Admission(Admission {
            joined,
            direct_members: if third { 3 } else { 2 },
            name: None,
        });
    }
    // What is not so of a caller is not so of the bot: the room can be read, it is not alone, it may invite.
    if matches!(request, SignalRequest::JoinAsBot { .. }) {
        return RequestOutcome::Joined { encrypted: !joined };
    }
    if matches!(request, SignalRequest::LeaveIfAlone { .. }) {
        return RequestOutcome::Alone(!joined);
    }
    if matches!(request, SignalRequest::InviteFocus { .. }) && !joined {
        return RequestOutcome::NotAllowed { ask: vec![setup::user(0)] };
    }
    RequestOutcome::Done
}

/// The party of the call; or another one, or none.
fn which_party(theirs: Option<PartyId>, number: u8) -> Option<PartyId> {
    match number {
        0..208 => theirs,
        208..240 => Some("OTHER".into()),
        240.. => None,
    }
}

fn metadata(audio_muted: bool) -> StreamMetadata {
    let info = |purpose| StreamInfo { purpose, audio_muted, video_muted: audio_muted };
    [
        ("microphone".into(), info(StreamPurpose::UserMedia)),
        ("screen".into(), info(StreamPurpose::ScreenShare)),
    ]
    .into()
}
