//! An engine behind its port, and waiting for what it reports.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use confocal::conference::{
    Agreed, Candidate, ConferenceId, Generation, LegId, MediaCommand, MediaReport, OfferNumber,
    ParticipantId, Sdp, SessionMemo,
};
use confocal::ports::{MediaEngine, ReportSink};
use confocal_media::{Engine, EngineConfig};
use confocal_transport::TransportConfig;
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout_at};

use crate::caller::Caller;

/// How long anything may take on a machine that does other things too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const CONFERENCE: ConferenceId = ConferenceId(1);
pub(crate) const FIRST: Generation = Generation(1);

pub(crate) struct Bench {
    pub(crate) engine: Engine,
    reports: UnboundedReceiver<MediaReport>,
    /// Offers after the first one, over all legs.
    offers: u32,
    /// Reports that came while another was waited for.
    passed_over: Vec<MediaReport>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut EngineConfig)) -> Self {
        let mut config = EngineConfig {
            transport: TransportConfig {
                listen: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
                allow_private: true,
                ..TransportConfig::default()
            },
            ..EngineConfig::default()
        };
        change(&mut config);
        let (sink, reports) = ReportSink::new();
        let engine = Engine::start(config, sink, Handle::current()).unwrap();
        Self { engine, reports, offers: 0, passed_over: Vec::new() }
    }

    pub(crate) fn open(&mut self, leg: u64, participant: u64, offer: &str) {
        self.open_after(leg, participant, offer, None);
    }

    /// Opens a leg in place of the session of the memo.
    pub(crate) fn open_after(&mut self, leg: u64, participant: u64, offer: &str, memo: Option<SessionMemo>) {
        self.engine.execute(MediaCommand::Open {
            leg: LegId(leg),
            generation: FIRST,
            conference: CONFERENCE,
            participant: ParticipantId(participant),
            number: OfferNumber(0),
            offer: Sdp(offer.to_owned()),
            theirs: None,
            name: "caller".into(),
            memo,
        });
    }

    pub(crate) fn renegotiate(&mut self, leg: u64, offer: &str) {
        self.offers += 1;
        self.engine.execute(MediaCommand::Renegotiate {
            leg: LegId(leg),
            generation: FIRST,
            number: OfferNumber(self.offers),
            offer: Sdp(offer.to_owned()),
            theirs: None,
        });
    }

    pub(crate) fn ask_for_offer(&mut self, leg: u64, memo: Option<SessionMemo>) {
        self.engine.execute(MediaCommand::Offer {
            leg: LegId(leg),
            generation: FIRST,
            conference: CONFERENCE,
            participant: ParticipantId(leg),
            number: OfferNumber(0),
            theirs: None,
            name: "caller".into(),
            memo,
        });
    }

    pub(crate) fn accept(&mut self, leg: u64, answer: &str) {
        let (leg, answer) = (LegId(leg), Sdp(answer.to_owned()));
        self.engine.execute(MediaCommand::Accept { leg, generation: FIRST, answer });
    }

    /// An offer that was asked for, and its memo.
    pub(crate) async fn offer(&mut self, leg: u64) -> (String, SessionMemo) {
        self.wait_for("an offer", |report| match report {
            MediaReport::OfferReady { leg: of, offer, memo, .. } if of.0 == leg => {
                Some((offer.0.clone(), memo.clone()))
            }
            _ => None,
        })
        .await
    }

    pub(crate) fn set_heard(&mut self, leg: u64, heard: bool) {
        self.engine.execute(MediaCommand::SetHeard { leg: LegId(leg), generation: FIRST, heard });
    }

    pub(crate) fn add_candidates(&mut self, leg: u64, candidates: Vec<Candidate>) {
        self.engine.execute(MediaCommand::AddCandidates { leg: LegId(leg), generation: FIRST, candidates });
    }

    pub(crate) fn close(&mut self, leg: u64) {
        self.engine.execute(MediaCommand::Close { leg: LegId(leg), generation: FIRST });
    }

    /// Places a call and waits until its connection is up; returns the memo of its session.
    pub(crate) async fn call(&mut self, leg: u64, participant: u64, caller: &mut Caller) -> SessionMemo {
        let offer = caller.offer().await;
        self.open(leg, participant, &offer);
        let (answer, memo) = self
            .wait_for("an answer", |report| match report {
                MediaReport::AnswerReady { leg: of, answer, memo, .. } if of.0 == leg => {
                    Some((answer.0.clone(), memo.clone()))
                }
                _ => None,
            })
            .await;
        caller.take_answer(&answer).await;
        self.up(leg).await;
        memo
    }

    pub(crate) async fn answer(&mut self, leg: u64) -> String {
        self.agreement(leg).await.0
    }

    /// An answer to the last offer, and what it agrees on.
    pub(crate) async fn agreement(&mut self, leg: u64) -> (String, Agreed) {
        let (number, answer, agreed) = self
            .wait_for("an answer", |report| match report {
                MediaReport::AnswerReady { leg: of, offer, answer, agreed, .. } if of.0 == leg => {
                    Some((*offer, answer.0.clone(), *agreed))
                }
                _ => None,
            })
            .await;
        assert!(
            number == OfferNumber(0) || number == OfferNumber(self.offers),
            "{number} is not the last offer"
        );
        (answer, agreed)
    }

    pub(crate) async fn up(&mut self, leg: u64) {
        self.wait_for("a connection", |report| {
            matches!(report, MediaReport::TransportUp { leg: of, .. } if of.0 == leg).then_some(())
        })
        .await;
    }

    /// Waits for a report in which `wanted` finds something; it is used up by that.
    pub(crate) async fn wait_for<R>(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&MediaReport) -> Option<R>,
    ) -> R {
        let position = self.passed_over.iter().position(|report| wanted(report).is_some());
        if let Some(found) = position.and_then(|at| wanted(&self.passed_over.remove(at))) {
            return found;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let report = match timeout_at(deadline, self.reports.recv()).await {
                Ok(report) => report.expect("the engine has ended"),
                Err(_) => panic!("no report of {what}; others: {:#?}", self.passed_over),
            };
            if let Some(found) = wanted(&report) {
                return found;
            }
            self.passed_over.push(report);
        }
    }

    /// All reports that have come and were not waited for.
    pub(crate) fn rest(&mut self) -> Vec<MediaReport> {
        while let Ok(report) = self.reports.try_recv() {
            self.passed_over.push(report);
        }
        std::mem::take(&mut self.passed_over)
    }
}

/// Waits until the condition holds, looking every few milliseconds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
