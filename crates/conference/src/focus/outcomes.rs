//! What came of what the machine wanted: outcomes of requests, reports of the engine.
//!
//! What they lead to never lives here.

use alloc::vec::Vec;

use super::Focus;
use crate::conference::{Answered, Conference, Offered};
use crate::core::Core;
use crate::effect::ConferenceEvent;
use crate::id::{ConferenceId, FocusUser, Generation, LegId, RequestId, RoomKey};
use crate::input::{LegLevel, MediaReport, RequestFailure, RequestOutcome};
use crate::leg::Voice;
use crate::quality::LegQuality;
use crate::routes::{Purpose, Routes};

impl Focus {
    pub(super) fn request_done(&mut self, id: RequestId, outcome: &RequestOutcome) {
        let failure = match outcome {
            RequestOutcome::Done
            | RequestOutcome::Admission(_)
            | RequestOutcome::Membership(_)
            | RequestOutcome::Rooms(_)
            | RequestOutcome::Joined { .. }
            | RequestOutcome::Alone(_) => None,
            RequestOutcome::NotAllowed { .. } => Some(RequestFailure::Forbidden),
            RequestOutcome::Failed(failure) => Some(*failure),
        };
        let delivered = failure.is_none();
        self.core.departed(id, failure);
        let purpose = self.routes.requests.remove(&id);
        if purpose.as_ref().is_some_and(|purpose| !self.awaits(id, purpose)) {
            return;
        }
        match purpose {
            Some(Purpose::JoinGroup { group, focus }) => {
                self.with_conference(&group, |it, core, routes| {
                    it.door_joined(&focus, failure, core, routes)
                });
            }
            Some(Purpose::LeaveGroup { group, focus }) => {
                self.with_conference(&group, |it, core, _| it.door_left(&focus, core));
            }
            Some(Purpose::JoinDirect { room, focus }) => self.direct_joined(id, &room, &focus, failure),
            Some(Purpose::Compare { group, focus }) => {
                let answer = match outcome {
                    RequestOutcome::Membership(membership) => Some(membership),
                    RequestOutcome::Done
                    | RequestOutcome::Admission(_)
                    | RequestOutcome::Rooms(_)
                    | RequestOutcome::Joined { .. }
                    | RequestOutcome::Alone(_)
                    | RequestOutcome::NotAllowed { .. }
                    | RequestOutcome::Failed(_) => None,
                };
                self.with_conference(&group, |it, core, routes| it.compared(&focus, answer, core, routes));
            }
            Some(Purpose::Announce { group }) => {
                self.with_conference(&group, |it, core, _| it.announced(failure, core));
            }
            Some(Purpose::CountOut { room, focus }) => self.counted_out(id, &room, &focus, failure),
            Some(Purpose::Bot { room }) => self.bot_request_done(id, &room, outcome),
            Some(Purpose::Admission(leg)) => {
                let answer = match outcome {
                    RequestOutcome::Admission(admission) => Ok(admission.clone()),
                    // Not an answer to the question that was asked.
                    RequestOutcome::Done
                    | RequestOutcome::Membership(_)
                    | RequestOutcome::Rooms(_)
                    | RequestOutcome::Joined { .. }
                    | RequestOutcome::Alone(_)
                    | RequestOutcome::NotAllowed { .. } => Err(RequestFailure::Rejected),
                    RequestOutcome::Failed(failure) => Err(*failure),
                };
                self.with_leg(leg, |it, core, routes| it.admission(leg, answer, core, routes));
            }
            Some(Purpose::Answer(leg)) => {
                self.with_leg(leg, |it, core, routes| it.answer_sent(leg, delivered, core, routes));
            }
            Some(Purpose::Offer(leg)) => {
                self.with_leg(leg, |it, core, routes| it.offer_sent(leg, id, delivered, core, routes));
            }
            Some(Purpose::Rooms { focus, believed, strays }) => {
                if let RequestOutcome::Rooms(rooms) = outcome {
                    self.rooms_told(&focus, &believed, rooms, strays);
                }
            }
            None => {}
        }
    }

    /// Whether the outcome of a request may be of any use. Of a conference's requests only those that it still waits for are: an outcome
    /// that comes too late is no occasion either to look what there is to announce, as it would be none after a restart.
    fn awaits(&self, id: RequestId, purpose: &Purpose) -> bool {
        let conference = match purpose {
            Purpose::JoinGroup { group, .. }
            | Purpose::LeaveGroup { group, .. }
            | Purpose::Compare { group, .. }
            | Purpose::Announce { group } => self.conferences.of(group),
            Purpose::CountOut { room, .. } => {
                if self.bot_awaits_count_out(id, room) {
                    return true;
                }
                self.conferences.of(room)
            }
            Purpose::Admission(leg) | Purpose::Answer(leg) | Purpose::Offer(leg) => {
                self.core.conference_of(*leg).and_then(|id| self.conferences.get(id))
            }
            // These look for themselves, and touch no conference otherwise.
            Purpose::JoinDirect { .. } | Purpose::Bot { .. } | Purpose::Rooms { .. } => return true,
        };
        conference.is_some_and(|it| it.awaits(id, purpose))
    }

    /// One of us is not counted as a person in a room any more, or may not say so: the bot, or a focus user.
    fn counted_out(
        &mut self,
        id: RequestId,
        room: &RoomKey,
        focus: &FocusUser,
        failure: Option<RequestFailure>,
    ) {
        if !self.bot_counted_out(id, room, failure) {
            self.with_conference(room, |it, core, _| it.counted_out(focus, failure, core));
        }
    }

    pub(super) fn media(&mut self, report: MediaReport) {
        match report {
            MediaReport::AnswerReady { leg, generation, offer: number, answer, streams, agreed, memo } => {
                let answered = Answered { number, answer, streams, agreed, memo };
                self.with_session(leg, generation, |it, core, routes| {
                    it.answer_ready(leg, answered, core, routes);
                });
            }
            MediaReport::OfferReady { leg, generation, number, offer, streams, memo } => {
                let offered = Offered { number, offer, streams, memo };
                self.with_session(leg, generation, |it, core, routes| {
                    it.offer_ready(leg, offered, core, routes);
                });
            }
            MediaReport::OfferRefused { leg, generation, offer, why } => {
                self.with_session(leg, generation, |it, core, routes| {
                    it.offer_refused(leg, offer, why, core, routes);
                });
            }
            MediaReport::NoOffer { leg, generation, number } => {
                self.with_session(leg, generation, |it, core, routes| {
                    it.no_offer(leg, number, core, routes);
                });
            }
            MediaReport::TransportUp { leg, generation } => {
                self.with_session(leg, generation, |it, core, _| it.transport_up(leg, core));
            }
            MediaReport::TransportLost { leg, generation } => {
                self.with_session(leg, generation, |it, core, routes| {
                    it.transport_lost(leg, false, core, routes)
                });
            }
            MediaReport::TransportFailed { leg, generation } => {
                self.with_session(leg, generation, |it, core, routes| {
                    it.transport_lost(leg, true, core, routes)
                });
            }
            MediaReport::Flow { leg, generation, flowing } => {
                self.with_session(leg, generation, |it, core, _| it.flow(leg, flowing, core));
            }
            MediaReport::RecordingFailed { conference, recording, why } => {
                self.with_conference_of(conference, |it, core, _| it.recording_failed(recording, why, core));
            }
            MediaReport::FellBack { conference } => {
                self.with_conference_of(conference, |it, core, _| it.fell_back(core));
            }
            MediaReport::Levels(levels) => self.levels(&levels),
            MediaReport::Quality(measured) => self.qualities(&measured),
        }
    }

    /// Reports name few conferences, most of them one; whether somebody else has the word now is decided when all is told.
    fn levels(&mut self, levels: &[LegLevel]) {
        let mut told: Vec<ConferenceId> = Vec::new();
        for measured in levels {
            let Some(voice) = self.core.voices.get(&measured.leg).copied() else { continue };
            let Voice { conference, participant, heard } = voice;
            debug_assert_eq!(
                self.conferences.get(conference).and_then(|it| it.voice_of(measured.leg)),
                Some(voice),
                "a voice is kept as its leg has it"
            );
            let LegLevel { leg, level, speaking } = *measured;
            self.core.notify(ConferenceEvent::Level { conference, leg, level, speaking });
            if heard && let Some(it) = self.conferences.get_mut(conference) {
                it.voice_heard(participant, *measured, &self.core);
            }
            if !told.contains(&conference) {
                told.push(conference);
            }
        }
        for id in told {
            if let Some(conference) = self.conferences.get_mut(id) {
                conference.voices_told(&mut self.core);
                conference.look(&mut self.core);
            }
        }
    }

    /// Nothing is decided by them, so nothing is looked at afterwards.
    fn qualities(&mut self, measured: &[LegQuality]) {
        for leg in measured {
            let conference = self.core.conference_of(leg.leg);
            if let Some(it) = conference.and_then(|id| self.conferences.get_mut(id)) {
                it.quality_told(*leg, &mut self.core);
            }
        }
    }

    /// A report of the engine, unless it is from an older session of the leg.
    fn with_session(
        &mut self,
        leg: LegId,
        generation: Generation,
        act: impl FnOnce(&mut Conference, &mut Core, &mut Routes),
    ) {
        self.with_leg(leg, |it, core, routes| {
            if it.legs.get(&leg).is_some_and(|leg| leg.generation == generation) {
                act(it, core, routes);
            }
        });
    }
}
