//! A focus user between a caller's client and an engine: events in, events out, time and media by hand.
//!
//! What a client does never lives here.

use std::collections::BTreeMap;

use confocal::conference::{
    Agreed, Candidate, ConferenceEvent, Config, Effect, Focus, Generation, Input, LegId, LegNews,
    MediaCommand, MediaReport, Millis, OfferNumber, RequestId, RequestOutcome, Sdp, SessionMemo,
    SignalRequest, StreamInfo, StreamMetadata, StreamPurpose, Timestamp,
};
use confocal::ports::{Order, Performed, SendError, Signalling};
use confocal_signalling::{Adapter, Skip};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::support::{ALICE, DIRECT, FOCUS, FakeHomeserver, GROUP, adapter};

/// The stream of every answer and offer of ours.
pub(crate) const STREAM: &str = "mix";
/// The answers and offers that this engine makes.
pub(crate) const ANSWER: &str = "v=0 the answer";
pub(crate) const OFFER: &str = "v=0 our offer";

/// What clients call their metadata: today, and before 2025.
pub(crate) const METADATA: &str = "sdp_stream_metadata";
pub(crate) const OLD_METADATA: &str = "org.matrix.msc3077.sdp_stream_metadata";

/// The desk. Alice, a member of the group room, has a 1:1 room with the focus user, which has joined both.
pub(crate) struct Desk {
    adapter: Adapter,
    homeserver: FakeHomeserver,
    focus: Focus,
    config: Config,
    records: BTreeMap<String, Vec<u8>>,
    now: Timestamp,
    media: Vec<MediaCommand>,
    /// The session that the engine was last told of, and the number of its last offer.
    session: Option<(LegId, Generation, OfferNumber)>,
    /// The session for which the engine is to make an offer.
    wanted: Option<(LegId, Generation, OfferNumber)>,
    news: Vec<ConferenceEvent>,
    /// How many of the homeserver's requests were looked at.
    read: usize,
}

/// An event of ours.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) kind: String,
    pub(crate) content: Value,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let (homeserver, url) = FakeHomeserver::start().await;
        let ok = json!({});
        homeserver.on("POST /join/*", 200, json!({ "room_id": GROUP }));
        homeserver.on("PUT /*", 200, json!({ "event_id": "$sent" }));
        homeserver.on(
            &format!("GET /rooms/{GROUP}/state/m.room.member/*"),
            200,
            json!({ "membership": "join" }),
        );
        let joined = json!({ "joined": { (FOCUS): ok, (ALICE): ok } });
        homeserver.on(&format!("GET /rooms/{DIRECT}/joined_members"), 200, joined);
        let config = Config::default();
        let now = wall_time();
        let mut desk = Self {
            adapter: adapter(&url),
            homeserver,
            focus: Focus::new(config.clone(), 7, now),
            config,
            records: BTreeMap::new(),
            now,
            media: Vec::new(),
            session: None,
            wanted: None,
            news: Vec::new(),
            read: 0,
        };
        for room in [GROUP, DIRECT] {
            let invited =
                json!({ "type": "m.room.member", "state_key": FOCUS, "content": { "membership": "invite" } });
            let skipped = desk.transaction_in(room, &[invited]).await;
            assert_eq!(skipped, []);
        }
        assert_eq!(desk.said(), []);
        desk
    }

    /// One transaction of Alice's events in the 1:1 room; `type` and `content` are enough. Returns what was skipped.
    pub(crate) async fn transaction(&mut self, events: &[Value]) -> Vec<Skip> {
        self.transaction_in(DIRECT, events).await
    }

    async fn transaction_in(&mut self, room: &str, events: &[Value]) -> Vec<Skip> {
        let mut skipped = Vec::new();
        for event in events {
            let mut event = event.clone();
            event["room_id"] = json!(room);
            event["sender"] = json!(ALICE);
            let event = RawValue::from_string(event.to_string()).unwrap();
            match self.adapter.translator().read(&event).meaning {
                Ok(input) => self.focus.handle(input, self.now),
                Err(why) => skipped.push(why),
            }
        }
        self.settle().await;
        skipped
    }

    /// Does what the machine asks for, until it asks for nothing more.
    async fn settle(&mut self) {
        loop {
            while let Some(change) = self.focus.poll_change() {
                match change.value {
                    Some(value) => self.records.insert(change.key, value),
                    None => self.records.remove(&change.key),
                };
            }
            match self.focus.poll_effect() {
                Some(Effect::Send { id, request }) => self.carry_out(id, request).await,
                Some(Effect::Media(command)) => self.order(command),
                Some(Effect::Notify(event)) => self.news.push(event),
                None => return,
            }
        }
    }

    fn order(&mut self, command: MediaCommand) {
        match &command {
            MediaCommand::Open { leg, generation, number, .. }
            | MediaCommand::Renegotiate { leg, generation, number, .. } => {
                self.session = Some((*leg, *generation, *number));
            }
            MediaCommand::Offer { leg, generation, number, .. } => {
                self.wanted = Some((*leg, *generation, *number));
            }
            _ => {}
        }
        self.media.push(command);
    }

    async fn carry_out(&mut self, id: RequestId, request: SignalRequest) {
        let order = Order { id, transaction: format!("desk.{}", id.0), request, again: false };
        let Performed { outcome, learnt } = match self.adapter.perform(&order).await {
            Ok(performed) => performed,
            Err(SendError::Final { failure, .. }) => {
                Performed { outcome: RequestOutcome::Failed(failure), learnt: Vec::new() }
            }
            Err(error) => panic!("{:?}: {error:?}", order.request),
        };
        self.focus.handle(Input::RequestDone { id, outcome }, self.now);
        for input in learnt {
            self.focus.handle(input, self.now);
        }
    }

    /// Alice leaves the group room.
    pub(crate) async fn alice_leaves_group(&mut self) {
        let left =
            json!({ "type": "m.room.member", "state_key": ALICE, "content": { "membership": "leave" } });
        assert_eq!(self.transaction_in(GROUP, &[left]).await, []);
    }

    /// What was said in the 1:1 room since this was last asked, but for notices.
    pub(crate) fn said(&mut self) -> Vec<Said> {
        let asked = self.homeserver.asked();
        let new = asked.get(self.read..).unwrap_or_default().to_vec();
        self.read = asked.len();
        let path = format!("PUT /rooms/{DIRECT}/send/");
        new.into_iter()
            .filter_map(|asked| {
                let (kind, _) = asked.what.strip_prefix(&path)?.split_once('/')?;
                Some(Said { kind: kind.to_owned(), content: asked.body })
            })
            .filter(|said| said.kind != "m.room.message")
            .collect()
    }

    /// The one event that was said.
    pub(crate) fn said_once(&mut self, kind: &str) -> Value {
        let mut said = self.said();
        assert!(said.len() == 1 && said[0].kind == kind, "{kind} expected: {said:#?}");
        said.remove(0).content
    }

    /// The offers that the engine was given and the candidates, in order, since this was last asked.
    pub(crate) fn engine_got(&mut self) -> (Vec<Sdp>, Vec<Candidate>) {
        let (mut offers, mut all) = (Vec::new(), Vec::new());
        for command in std::mem::take(&mut self.media) {
            match command {
                MediaCommand::Open { offer, .. } | MediaCommand::Renegotiate { offer, .. } => {
                    offers.push(offer)
                }
                MediaCommand::AddCandidates { candidates, .. } => all.extend(candidates),
                _ => {}
            }
        }
        (offers, all)
    }

    /// The engine answers the last offer it was given.
    pub(crate) async fn engine_answers(&mut self) {
        let (leg, generation, offer) = self.session.unwrap();
        let (answer, streams, agreed) = (Sdp(ANSWER.to_owned()), streams(), Agreed::default());
        let memo = SessionMemo::default();
        self.report(MediaReport::AnswerReady { leg, generation, offer, answer, streams, agreed, memo }).await;
    }

    /// Media of the last session is up.
    pub(crate) async fn engine_connects(&mut self) {
        let (leg, generation, _) = self.session.unwrap();
        self.report(MediaReport::TransportUp { leg, generation }).await;
    }

    /// The engine makes the offer that it was asked for.
    pub(crate) async fn engine_offers(&mut self) {
        let (leg, generation, number) = self.wanted.take().unwrap();
        self.report(MediaReport::OfferReady {
            leg,
            generation,
            number,
            offer: Sdp(OFFER.to_owned()),
            streams: streams(),
            memo: SessionMemo::default(),
        })
        .await;
    }

    /// Media of the last session is interrupted.
    pub(crate) async fn engine_loses(&mut self) {
        let (leg, generation, _) = self.session.unwrap();
        self.report(MediaReport::TransportLost { leg, generation }).await;
    }

    async fn report(&mut self, report: MediaReport) {
        self.focus.handle(Input::Media(report), self.now);
        self.settle().await;
    }

    /// Time passes, deadlines with it.
    pub(crate) async fn pass(&mut self, span: Millis) {
        let end = self.now + span;
        while let Some(deadline) = self.focus.poll_timeout().filter(|deadline| deadline.at <= end) {
            self.now = self.now.max(deadline.at);
            self.focus.handle_timeout(self.now);
            self.settle().await;
        }
        self.now = end;
    }

    /// The process dies and comes back.
    pub(crate) async fn restart(&mut self) {
        self.focus = Focus::restore(self.config.clone(), 8, self.now, self.records.clone()).unwrap();
        self.media.clear();
        self.focus.handle(Input::EngineLost, self.now);
        self.settle().await;
    }

    /// From now on the homeserver says that Alice is no member of the group room.
    pub(crate) fn is_no_member(&self) {
        let path = format!("GET /rooms/{GROUP}/state/m.room.member/{ALICE}");
        self.homeserver.on(&path, 200, json!({ "membership": "leave" }));
    }

    /// How the call stands.
    pub(crate) fn news(&self) -> LegNews {
        let last = self.news.iter().rev().find_map(|event| match event {
            ConferenceEvent::Leg { state, .. } => Some(*state),
            _ => None,
        });
        last.unwrap()
    }

    /// A call of this invite, answered and connected. Returns our answer.
    pub(crate) async fn connected(&mut self, invite: Value) -> Value {
        assert_eq!(self.transaction(&[invite]).await, []);
        self.engine_answers().await;
        self.engine_connects().await;
        self.said_once("m.call.answer")
    }
}

/// `content` as an event.
pub(crate) fn event(kind: &str, content: Value) -> Value {
    json!({ "type": kind, "content": content, "unsigned": { "age": 120 } })
}

/// Asserts that an answer or a negotiation describes our stream under both names.
pub(crate) fn assert_described(content: &Value) {
    let described =
        json!({ (STREAM): { "purpose": "m.usermedia", "audio_muted": false, "video_muted": true } });
    assert_eq!((&content[METADATA], &content[OLD_METADATA]), (&described, &described));
}

/// Asserts that it describes none, nor has the fields.
pub(crate) fn assert_not_described(content: &Value) {
    assert_eq!((content.get(METADATA), content.get(OLD_METADATA)), (None, None));
}

fn streams() -> StreamMetadata {
    let info = StreamInfo { purpose: StreamPurpose::UserMedia, audio_muted: false, video_muted: true };
    [(STREAM.into(), info)].into()
}

fn wall_time() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_unix_millis(u64::try_from(since_epoch.as_millis()).unwrap())
}
