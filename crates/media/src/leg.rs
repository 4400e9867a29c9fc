//! The task of one leg: its transport session from the first offer to the end.
//!
//! It takes commands in order and reports what comes of them. Sound passes it by: the packet side goes to the mixing thread as
//! soon as the connection is up.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use confocal::conference::{
    Agreed, Candidate, ConferenceId, Generation, LegId, MediaReport, OfferNumber, OfferRefusal,
    ParticipantId, Sdp, StreamId, StreamInfo, StreamMetadata, StreamPurpose,
};
use confocal_transport::{
    Answer, AudioLink, Direction, OpenSession, RemoteCandidate, Session, SessionEvent, Transport,
};
use tokio::sync::{Semaphore, mpsc};
use tracing::debug;

use crate::mixing::Orders;
use crate::refusal;
use crate::reports::Reports;
use crate::room::Seat;
use crate::stats::LegStats;

/// A command to a leg that exists.
#[derive(Debug)]
pub(crate) enum LegCommand {
    Renegotiate(OfferNumber, Sdp),
    AddCandidates(Vec<Candidate>),
}

/// Who a leg is, and whom it deals with.
#[derive(Debug)]
pub(crate) struct Leg<T: Transport> {
    pub(crate) leg: LegId,
    pub(crate) generation: Generation,
    pub(crate) conference: ConferenceId,
    pub(crate) participant: ParticipantId,
    pub(crate) transport: Arc<T>,
    pub(crate) setups: Arc<Semaphore>,
    pub(crate) orders: Orders<T::Link>,
    pub(crate) reports: Reports,
    /// Whether others hear it, see [`Seat::heard`].
    pub(crate) heard: Arc<AtomicBool>,
    pub(crate) stats: Arc<Mutex<LegStats>>,
}

impl<T: Transport> Leg<T> {
    /// Runs the leg until the engine's end of `commands` is dropped. What is begun is finished even then, so that a session is
    /// closed in order; nothing is reported any more.
    pub(crate) async fn run(self, number: OfferNumber, offer: Sdp, mut commands: mpsc::Receiver<LegCommand>) {
        let Some(OpenSession { mut session, link, answer }) = self.open(number, &offer).await else { return };
        let mut direction = answer.direction;
        self.report_answer(number, answer);
        // Until the connection is up, then it is the mixing thread's.
        let mut link = Some(link);
        loop {
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(LegCommand::Renegotiate(number, offer)) => {
                        direction = self.renegotiate(&mut session, number, &offer).await.unwrap_or(direction);
                    }
                    Some(LegCommand::AddCandidates(candidates)) => {
                        session.add_candidates(&remote(candidates)).await;
                    }
                    None => break,
                },
                event = session.next_event() => match event {
                    Some(event) => self.connection(event, &mut link, direction),
                    // It closed by itself, which is as good as failing.
                    None => {
                        self.connection(SessionEvent::Failed, &mut link, direction);
                        // Only the command to close is left to come.
                        while commands.recv().await.is_some() {}
                        break;
                    }
                },
            }
        }
        self.orders.unseat(self.leg, self.generation);
        session.close().await;
    }

    async fn open(&self, number: OfferNumber, offer: &Sdp) -> Option<OpenSession<T::Session, T::Link>> {
        // The semaphore is never closed; without a permit there would be no harm either.
        let _permit = self.setups.acquire().await;
        // The caller may have given up while it waited.
        if !self.reports.is_open(self.leg, self.generation) {
            return None;
        }
        match self.transport.open(&offer.0).await {
            Ok(open) => Some(open),
            Err(error) => {
                debug!(leg = %self.leg, error = &error as &dyn std::error::Error, "an offer is refused");
                self.refuse(number, refusal::of_open(&error));
                self.reports.close(self.leg, self.generation);
                None
            }
        }
    }

    async fn renegotiate(
        &self,
        session: &mut T::Session,
        number: OfferNumber,
        offer: &Sdp,
    ) -> Option<Direction> {
        match session.renegotiate(&offer.0).await {
            Ok(answer) => {
                let direction = answer.direction;
                self.orders.direct(self.leg, self.generation, direction);
                self.report_answer(number, answer);
                Some(direction)
            }
            Err(error) => {
                debug!(leg = %self.leg, error = &error as &dyn std::error::Error, "a further offer is refused");
                self.refuse(number, refusal::of_renegotiation(&error));
                None
            }
        }
    }

    fn connection(&self, event: SessionEvent, link: &mut Option<T::Link>, direction: Direction)
    where
        T::Link: AudioLink,
    {
        let (leg, generation) = (self.leg, self.generation);
        match event {
            SessionEvent::Up => {
                if let Some(link) = link.take() {
                    let (participant, heard, stats) =
                        (self.participant, Arc::clone(&self.heard), Arc::clone(&self.stats));
                    let seat = Seat { leg, generation, participant, direction, heard, link, stats };
                    self.orders.seat(self.conference, seat);
                } else {
                    self.orders.connected(leg, generation, true);
                }
                self.report(MediaReport::TransportUp { leg, generation });
            }
            SessionEvent::Lost => {
                self.orders.connected(leg, generation, false);
                self.report(MediaReport::TransportLost { leg, generation });
            }
            SessionEvent::Failed => {
                self.orders.unseat(leg, generation);
                self.report(MediaReport::TransportFailed { leg, generation });
            }
        }
    }

    fn report_answer(&self, offer: OfferNumber, answer: Answer) {
        let info = StreamInfo { purpose: StreamPurpose::UserMedia, audio_muted: false, video_muted: true };
        let streams = StreamMetadata::from([(StreamId::new(answer.stream_id), info)]);
        let (leg, generation) = (self.leg, self.generation);
        // What a video line is for, a description does not say: that is in the stream metadata, which is not ours to read.
        let agreed = Agreed { held: answer.held, camera: answer.pictures, screen: false };
        let answer = Sdp(answer.sdp);
        self.report(MediaReport::AnswerReady { leg, generation, offer, answer, streams, agreed });
    }

    fn refuse(&self, offer: OfferNumber, why: OfferRefusal) {
        let (leg, generation) = (self.leg, self.generation);
        self.report(MediaReport::OfferRefused { leg, generation, offer, why });
    }

    fn report(&self, report: MediaReport) {
        self.reports.report(self.leg, self.generation, report);
    }
}

fn remote(candidates: Vec<Candidate>) -> Vec<RemoteCandidate> {
    let remote = |candidate: Candidate| RemoteCandidate {
        line: candidate.line,
        mid: candidate.mid,
        line_index: candidate.line_index,
    };
    candidates.into_iter().map(remote).collect()
}
