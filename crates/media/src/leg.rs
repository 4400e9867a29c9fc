//! The task of one leg: its transport session from the first description to the end.
//!
//! It takes commands in order and reports what comes of them. Sound passes it by: its packets pass the shard's thread, which takes the leg into
//! the mix as soon as the connection is up.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use confocal::conference::{
    Agreed, Candidate, ConferenceId, Generation, LegId, MediaReport, OfferNumber, OfferRefusal,
    ParticipantId, Sdp, SessionMemo, StreamId, StreamInfo, StreamMetadata, StreamPurpose, View,
};
use confocal_transport::{
    AcceptError, Accepted, Answer, Direction, LinkId, LocalOffer, OfferedSession, OpenSession, PictureTerms,
    RemoteCandidate, Session, SessionEvent, ShardId, Transport,
};
use tokio::sync::{Semaphore, mpsc};
use tracing::debug;

use crate::mixing::Orders;
use crate::pictures::PictureLines;
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
    Renegotiate(OfferNumber, Sdp, Option<StreamMetadata>),
    OfferAgain(OfferNumber, bool),
    Accept(Sdp),
    Describe(StreamMetadata),
    AddCandidates(Vec<Candidate>),
}

/// What was agreed on with a caller.
#[derive(Clone, Debug)]
struct Agreement {
    voice: Terms,
    pictures: [Option<PictureTerms>; 2],
    held: bool,
}

/// Who a leg is, and whom it deals with.
#[derive(Debug)]
pub(crate) struct Leg<T: Transport> {
    pub(crate) leg: LegId,
    pub(crate) generation: Generation,
    pub(crate) conference: ConferenceId,
    pub(crate) participant: ParticipantId,
    /// What the participant is called in pictures.
    pub(crate) name: Arc<str>,
    pub(crate) transport: Arc<T>,
    pub(crate) setups: Arc<Semaphore>,
    /// Where its packets pass, and its conference is mixed.
    pub(crate) shard: ShardId,
    pub(crate) orders: Orders,
    pub(crate) reports: Reports,
    /// Whether others hear it, see [`Seat::heard`].
    pub(crate) heard: Arc<AtomicBool>,
    pub(crate) stats: Arc<Mutex<LegStats>>,
    /// What the caller says that its streams are for, where it says.
    pub(crate) theirs: Option<StreamMetadata>,
    /// What is shown in its conference.
    pub(crate) view: Arc<Mutex<View>>,
}

impl<T: Transport> Leg<T> {
    /// Runs the leg until the engine's end of `commands` is dropped. What is begun is finished even then, so that a session is
    /// closed in order; nothing is reported any more.
    pub(crate) async fn run(mut self, start: Start, mut commands: mpsc::Receiver<Box<LegCommand>>) {
        // What is needed while a session is set up, changed or closed is given back then: as parts of this future it would be kept for all of
        // the call, some 20 kB.
        let Some((mut session, link, mut agreed)) = Box::pin(self.start(start)).await else { return };
        // Until the leg is in the mix.
        let mut link = Some(link);
        loop {
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => Box::pin(self.carry_out(*command, &mut session, &mut agreed)).await,
                    None => break,
                },
                event = session.next_event() => match event {
                    Some(event) => self.connection(event, &mut link, &agreed),
                    // It closed by itself, which is as good as failing.
                    None => {
                        self.connection(SessionEvent::Failed, &mut link, &agreed);
                        // Only the command to close is left to come.
                        while commands.recv().await.is_some() {}
                        break;
                    }
                },
            }
        }
        self.orders.unseat(self.leg, self.generation);
        Box::pin(session.close()).await;
    }

    async fn carry_out(&mut self, command: LegCommand, session: &mut T::Session, agreed: &mut Agreement) {
        match command {
            LegCommand::Renegotiate(number, offer, theirs) => {
                // One without leaves what was said before: it is not said with each offer.
                self.theirs = theirs.or_else(|| self.theirs.take());
                if let Some(new) = self.renegotiate(session, number, &offer).await {
                    *agreed = new;
                }
            }
            LegCommand::OfferAgain(number, screen) => self.offer_again(session, number, screen).await,
            LegCommand::Accept(answer) => {
                if let Some(new) = self.accept(session, &answer).await {
                    *agreed = new;
                }
            }
            LegCommand::Describe(theirs) => {
                self.theirs = Some(theirs);
                self.agree(agreed);
            }
            LegCommand::AddCandidates(candidates) => session.add_candidates(&remote(candidates)).await,
        }
    }

    /// What holds for the leg's media from now on, told to those who carry it.
    fn agree(&self, agreed: &Agreement) {
        self.orders.agree(self.leg, self.generation, agreed.voice, self.lines(agreed));
    }

    fn lines(&self, agreed: &Agreement) -> PictureLines {
        PictureLines::new(agreed.pictures.clone(), agreed.held, self.theirs.as_ref())
    }

    /// Sets the session up and reports what it says of itself; `None` if there is none.
    async fn start(&self, start: Start) -> Option<(T::Session, LinkId, Agreement)> {
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
    ) -> Option<(T::Session, LinkId, Agreement)> {
        match self.transport.open(self.shard, &offer.0, memo.as_ref().map(|memo| memo.0.as_str())).await {
            Ok(OpenSession { session, link, answer }) => {
                let agreed = agreement(&answer);
                self.report_answer(number, answer);
                Some((session, link, agreed))
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
    ) -> Option<(T::Session, LinkId, Agreement)> {
        let (leg, generation) = (self.leg, self.generation);
        // One without a memo is of a time before there were any.
        match self.transport.offer(self.shard, &memo.unwrap_or_default().0).await {
            Ok(OfferedSession {
                session,
                link,
                offer: LocalOffer { sdp, stream_id, voice, pictures, memo },
            }) => {
                let (offer, streams, memo) = (Sdp(sdp), streams(stream_id, &pictures), SessionMemo(memo));
                self.report(MediaReport::OfferReady { leg, generation, number, offer, streams, memo });
                let voice = Terms { direction: Direction::SendRecv, voice };
                Some((session, link, Agreement { voice, pictures, held: false }))
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
    async fn accept(&self, session: &mut T::Session, answer: &Sdp) -> Option<Agreement> {
        let (leg, generation) = (self.leg, self.generation);
        match session.accept(&answer.0).await {
            Ok(Accepted { voice, direction, held, pictures, .. }) => {
                let voice = Terms { direction: mixed(direction, held), voice };
                let agreed = Agreement { voice, pictures, held };
                self.agree(&agreed);
                Some(agreed)
            }
            // An offer of the caller took the place of ours, or the answer is to a change that does not come: the call goes on.
            Err(error @ (AcceptError::Unasked | AcceptError::Again(_))) => {
                debug!(%leg, error = &error as &dyn std::error::Error, "an answer is passed over");
                None
            }
            Err(error) => {
                debug!(%leg, error = &error as &dyn std::error::Error, "an answer is not taken");
                self.report(MediaReport::TransportFailed { leg, generation });
                None
            }
        }
    }

    /// Offers a line for a screen, or no more.
    async fn offer_again(&self, session: &mut T::Session, number: OfferNumber, screen: bool) {
        let (leg, generation) = (self.leg, self.generation);
        match session.offer_again(screen).await {
            Ok(LocalOffer { sdp, stream_id, pictures, memo, .. }) => {
                let (offer, streams, memo) = (Sdp(sdp), streams(stream_id, &pictures), SessionMemo(memo));
                self.report(MediaReport::OfferReady { leg, generation, number, offer, streams, memo });
            }
            Err(error) => {
                debug!(%leg, error = &error as &dyn std::error::Error, "no line for a screen is offered");
                self.report(MediaReport::NoOffer { leg, generation, number });
            }
        }
    }

    async fn renegotiate(
        &self,
        session: &mut T::Session,
        number: OfferNumber,
        offer: &Sdp,
    ) -> Option<Agreement> {
        match session.renegotiate(&offer.0).await {
            Ok(answer) => {
                let agreed = agreement(&answer);
                self.agree(&agreed);
                self.report_answer(number, answer);
                Some(agreed)
            }
            Err(error) => {
                debug!(leg = %self.leg, error = &error as &dyn std::error::Error, "a further offer is refused");
                self.refuse(number, refusal::of_renegotiation(&error));
                None
            }
        }
    }

    fn connection(&self, event: SessionEvent, link: &mut Option<LinkId>, agreed: &Agreement) {
        let (leg, generation) = (self.leg, self.generation);
        match event {
            SessionEvent::Up => {
                if let Some(link) = link.take() {
                    let seat = Seat {
                        leg,
                        generation,
                        participant: self.participant,
                        name: Arc::clone(&self.name),
                        terms: agreed.voice,
                        heard: Arc::clone(&self.heard),
                        link,
                        stats: Arc::clone(&self.stats),
                        pictures: self.lines(agreed),
                        view: Arc::clone(&self.view),
                    };
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
        let streams = streams(answer.stream_id, &answer.pictures);
        let (leg, generation) = (self.leg, self.generation);
        let lines = PictureLines::new(answer.pictures.clone(), false, self.theirs.as_ref());
        let agreed = Agreed {
            held: answer.held,
            camera: lines.sends(StreamPurpose::UserMedia),
            screen: lines.sends(StreamPurpose::ScreenShare),
            pictures: lines.receives(),
        };
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

fn agreement(answer: &Answer) -> Agreement {
    let voice = Terms { direction: mixed(answer.direction, answer.held), voice: answer.voice };
    Agreement { voice, pictures: answer.pictures.clone(), held: answer.held }
}

/// Which way sound flows between the mix and a leg: none to or from one on hold, whatever it goes on sending.
const fn mixed(direction: Direction, held: bool) -> Direction {
    if held { Direction::Inactive } else { direction }
}

/// What our streams are for: all that are named, as a client that misses one fails. Clients show no picture of a stream that they are
/// told is muted, so it is not as long as there is a line for it.
fn streams(voice: String, pictures: &[Option<PictureTerms>; 2]) -> StreamMetadata {
    let [camera, screen] =
        pictures.each_ref().map(|terms| terms.as_ref().filter(|terms| terms.direction.sends()));
    let info = |purpose, audio_muted, video_muted| StreamInfo { purpose, audio_muted, video_muted };
    let mut streams = StreamMetadata::from([(
        StreamId::new(voice),
        info(StreamPurpose::UserMedia, false, camera.is_none()),
    )]);
    if let Some(screen) = screen {
        streams.insert(StreamId::new(screen.ours.clone()), info(StreamPurpose::ScreenShare, true, false));
    }
    streams
}

fn remote(candidates: Vec<Candidate>) -> Vec<RemoteCandidate> {
    let remote = |candidate: Candidate| RemoteCandidate {
        line: candidate.line,
        mid: candidate.mid,
        line_index: candidate.line_index,
    };
    candidates.into_iter().map(remote).collect()
}
