//! What the engine reports: answers, sessions, packets, levels.
//!
//! Which sessions it has never lives here, see `outside.rs`.

use confocal_conference::{
    Agreed, ConferenceId, Generation, Input, Layout, LegId, LegLevel, LegQuality, LevelDbov, MediaReport,
    Millis, OfferNumber, OfferRefusal, PerMille, Quality, RecordingFailure, RecordingId, SessionMemo, View,
};

use super::calls::metadata;
use crate::invariants::Broken;
use crate::outside::Session;
use crate::world::World;

impl World {
    pub(super) fn report(&mut self, which: u8, report: u8, shade: u8) -> Result<(), Broken> {
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
        // Mostly a grid that is shown is too much; now and then the engine is late, or wrong.
        let fallen = match (report % 16, shade & 12) {
            (11, _) => self.showing(which, |view| view.layout == Layout::Grid),
            (12, 4) => self.showing(which, |_| true),
            _ => None,
        };
        if let Some(conference) = fallen {
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

    /// A conference of which such a thing is shown.
    fn showing(&self, which: u8, wanted: impl Fn(&View) -> bool) -> Option<ConferenceId> {
        let shown = self.seen.views.iter().filter(|(_, (view, _))| wanted(view));
        let shown: Vec<ConferenceId> = shown.map(|(conference, _)| *conference).collect();
        usize::from(which).checked_rem(shown.len()).map(|at| shown[at])
    }

    /// A recording that is being made; now and then one that is not.
    fn recording(&self, shade: u8) -> Option<(ConferenceId, RecordingId)> {
        let mut conferences = self.seen.after.conferences.values();
        let (conference, recording) = conferences.find_map(|it| Some((it.id, it.recording.as_ref()?.id)))?;
        Some((conference, RecordingId(recording.0 + u64::from(shade & 7 == 7))))
    }

    pub(super) fn answer_ready(
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

    pub(super) fn offer_ready(&mut self, leg: LegId, session: Session, number: OfferNumber) -> MediaReport {
        let (offer, streams) = (self.text("answer", false), metadata(false));
        let memo = SessionMemo("memo".into());
        MediaReport::OfferReady { leg, generation: session.generation, number, offer, streams, memo }
    }

    /// The engine reports, and knows then what it has done.
    pub(super) fn engine_says(&mut self, leg: LegId, report: MediaReport) -> Result<(), Broken> {
        if let Some(session) = self.outside.sessions.get_mut(&leg) {
            session.said(&report);
        }
        self.tell(Input::Media(report))
    }

    /// One is heard and the others are silent: once, or for long enough to become the active speaker.
    /// As often it may be told how well packets get through.
    pub(super) fn levels(&mut self, which: u8, loud: u8, quality: u8) -> Result<(), Broken> {
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
            if quality & 0x80 != 0 {
                self.quality(&sessions, at, quality)?;
            }
        }
        Ok(())
    }

    /// How well the packets of all sessions get through: those of one as the byte says, those of the others well. Now and then it is
    /// told of another session.
    fn quality(&mut self, sessions: &[(LegId, Session)], at: usize, how: u8) -> Result<(), Broken> {
        let loss = |bits: u8| {
            [None, Some(PerMille(50)), Some(PerMille(51)), Some(PerMille(1000))][usize::from(bits & 3)]
        };
        let of = |(number, (leg, session)): (usize, &(LegId, Session))| {
            let (incoming_loss, outgoing_loss) =
                if number == at { (loss(how), loss(how >> 2)) } else { (Some(PerMille(0)), None) };
            let known =
                Quality { jitter: Some(Millis(3)), round_trip: Some(Millis(20)), ..Quality::default() };
            let quality = Quality { incoming_loss, outgoing_loss, ..known };
            let other = u32::from(number == at && how & 0b0111_0000 == 0b0111_0000);
            LegQuality {
                leg: *leg,
                generation: Generation(session.generation.0.wrapping_add(other)),
                quality,
            }
        };
        let measured = sessions.iter().enumerate().map(of).collect();
        self.tell(Input::Media(MediaReport::Quality(measured)))
    }
}
