//! The task of one leg: its transport session from the first description to the end.
//!
//! It takes commands in order and reports what comes of them. Sound passes it by: its packets pass the shard's thread, which takes the leg into
//! the mix as soon as the connection is up.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use confocal::conference::{
    Agreed, Candidate, ConferenceId, Generation, LegId, MediaReport, OfferNumber, OfferRefusal,
    ParticipantId, Sdp, SessionMemo, StreamId, StreamInfo, StreamMetadata, StreamPurpose,
};
use confocal_transport::{
    Answer, Direction, LinkId, LocalOffer, OfferedSession, OpenSession, RemoteCandidate, Session,
    SessionEvent, ShardId, Transport,
};
use tokio::sync::{Semaphore, mpsc};
use tracing::debug;

use crate::mixing::Orders;
use crate::refusal;
use crate::reports::Reports;
use crate::room::{Seat, Terms};
use crate::stats::LegStats;

/// How a leg begins.
#[derive(Debug)]
pub(crate) enum Start {
    /// With the caller's offer; the memo is that of the session whose place it takes.
    Answering { number: OfferNumber, offer: Sdp, memo: Option<SessionMemo> },
    /// With an offer of ours, in place of the session of the memo.
    Offering { number: OfferNumber, memo: Option<SessionMemo> },
}

/// A command to a leg that exists.
#[derive(Debug)]
pub(crate) enum LegCommand {
    Renegotiate(OfferNumber, Sdp),
    Accept(Sdp),
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
    /// Where its packets pass, and its conference is mixed.
    pub(crate) shard: ShardId,
    pub(crate) orders: Orders,
    pub(crate) reports: Reports,
    /// Whether others hear it, see [`Seat::heard`].
    pub(crate) heard: Arc<AtomicBool>,
    pub(crate) stats: Arc<Mutex<LegStats>>,
}

impl<T: Transport> Leg<T> {
    /// Runs the leg until the engine's end of `commands` is dropped. What is begun is finished even then, so that a session is
    /// closed in order; nothing is reported any more.
    pub(crate) async fn run(self, start: Start, mut commands: mpsc::Receiver<LegCommand>) {
        let Some((mut session, link, mut terms)) = self.start(start).await else { return };
        // Until the leg is in the mix.
        let mut link = Some(link);
        loop {
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(LegCommand::Renegotiate(number, offer)) => {
                        terms = self.renegotiate(&mut session, number, &offer).await.unwrap_or(terms);
                    }
                    Some(LegCommand::Accept(answer)) => {
                        terms = self.accept(&mut session, &answer).await.unwrap_or(terms);
                    }
                    Some(LegCommand::AddCandidates(candidates)) => {
                        session.add_candidates(&remote(candidates)).await;
                    }
                    None => break,
                },
                event = session.next_event() => match event {
                    Some(event) => self.connection(event, &mut link, terms),
                    // It closed by itself, which is as good as failing.
                    None => {
                        self.connection(SessionEvent::Failed, &mut link, terms);
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

    /// Sets the session up and reports what it says of itself; `None` if there is none.
    async fn start(&self, start: Start) -> Option<(T::Session, LinkId, Terms)> {
        // The semaphore is never closed; without a permit there would be no harm either.
        let _permit = self.setups.acquire().await;
        // The caller may have given up while it waited.
        if !self.reports.is_open(self.leg, self.generation) {
            return None;
        }
        match start {
            Start::Answering { number, offer, memo } => self.open(number, &offer, memo).await,
            Start::Offering { number, memo } => self.offer(number, memo).await,
        }
    }

    async fn open(
        &self,
        number: OfferNumber,
        offer: &Sdp,
        memo: Option<SessionMemo>,
    ) -> Option<(T::Session, LinkId, Terms)> {
        match self.transport.open(self.shard, &offer.0, memo.as_ref().map(|memo| memo.0.as_str())).await {
            Ok(OpenSession { session, link, answer }) => {
                let terms = Terms { direction: mixed(answer.direction, answer.held), voice: answer.voice };
                self.report_answer(number, answer);
                Some((session, link, terms))
            }
            Err(error) => {
                debug!(leg = %self.leg, error = &error as &dyn std::error::Error, "an offer is refused");
                self.refuse(number, refusal::of_open(&error));
                self.reports.close(self.leg, self.generation);
                None
            }
        }
    }

    async fn offer(
        &self,
        number: OfferNumber,
        memo: Option<SessionMemo>,
    ) -> Option<(T::Session, LinkId, Terms)> {
        let (leg, generation) = (self.leg, self.generation);
        // One without a memo is of a time before there were any.
        match self.transport.offer(self.shard, &memo.unwrap_or_default().0).await {
            Ok(OfferedSession { session, link, offer: LocalOffer { sdp, stream_id, voice, memo } }) => {
                let (offer, streams, memo) = (Sdp(sdp), streams(stream_id), SessionMemo(memo));
                self.report(MediaReport::OfferReady { leg, generation, number, offer, streams, memo });
                Some((session, link, Terms { direction: Direction::SendRecv, voice }))
            }
            Err(error) => {
                debug!(%leg, error = &error as &dyn std::error::Error, "no offer can be made");
                self.report(MediaReport::NoOffer { leg, generation, number });
                self.reports.close(leg, generation);
                None
            }
        }
    }

    /// Takes the answer to our offer. One that can't be taken will never connect, which is what is reported.
    async fn accept(&self, session: &mut T::Session, answer: &Sdp) -> Option<Terms> {
        let (leg, generation) = (self.leg, self.generation);
        match session.accept(&answer.0).await {
            Ok(accepted) => {
                let terms =
                    Terms { direction: mixed(accepted.direction, accepted.held), voice: accepted.voice };
                self.orders.agree(leg, generation, terms);
                Some(terms)
            }
            Err(error) => {
                debug!(%leg, error = &error as &dyn std::error::Error, "an answer is not taken");
                self.report(MediaReport::TransportFailed { leg, generation });
                None
            }
        }
    }

    async fn renegotiate(&self, session: &mut T::Session, number: OfferNumber, offer: &Sdp) -> Option<Terms> {
        match session.renegotiate(&offer.0).await {
            Ok(answer) => {
                let terms = Terms { direction: mixed(answer.direction, answer.held), voice: answer.voice };
                self.orders.agree(self.leg, self.generation, terms);
                self.report_answer(number, answer);
                Some(terms)
            }
            Err(error) => {
                debug!(leg = %self.leg, error = &error as &dyn std::error::Error, "a further offer is refused");
                self.refuse(number, refusal::of_renegotiation(&error));
                None
            }
        }
    }

    fn connection(&self, event: SessionEvent, link: &mut Option<LinkId>, terms: Terms) {
        let (leg, generation) = (self.leg, self.generation);
        match event {
            SessionEvent::Up => {
                if let Some(link) = link.take() {
                    let (participant, heard, stats) =
                        (self.participant, Arc::clone(&self.heard), Arc::clone(&self.stats));
                    let seat = Seat { leg, generation, participant, terms, heard, link, stats };
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
        let streams = streams(answer.stream_id);
        let (leg, generation) = (self.leg, self.generation);
        // What a video line is for, a description does not say: that is in the stream metadata, which is not ours to read.
        let agreed =
            Agreed { held: answer.held, camera: answer.pictures, screen: false, pictures: answer.pictures };
        let (answer, memo) = (Sdp(answer.sdp), SessionMemo(answer.memo));
        self.report(MediaReport::AnswerReady { leg, generation, offer, answer, streams, agreed, memo });
    }

    fn refuse(&self, offer: OfferNumber, why: OfferRefusal) {
        let (leg, generation) = (self.leg, self.generation);
        self.report(MediaReport::OfferRefused { leg, generation, offer, why });
    }

    fn report(&self, report: MediaReport) {
        self.reports.report(self.leg, self.generation, report);
    }
}

/// Which way sound flows between the mix and a leg: none to or from one on hold, whatever it goes on sending.
const fn mixed(direction: Direction, held: bool) -> Direction {
    if held { Direction::Inactive } else { direction }
}

/// What our one stream is for.
fn streams(stream_id: String) -> StreamMetadata {
    let info = StreamInfo { purpose: StreamPurpose::UserMedia, audio_muted: false, video_muted: true };
    StreamMetadata::from([(StreamId::new(stream_id), info)])
}

fn remote(candidates: Vec<Candidate>) -> Vec<RemoteCandidate> {
    let remote = |candidate: Candidate| RemoteCandidate {
        line: candidate.line,
        mid: candidate.mid,
        line_index: candidate.line_index,
    };
    candidates.into_iter().map(remote).collect()
}
