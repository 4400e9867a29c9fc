//! Stand-ins that answer at once: a homeserver on which everyone is a member of everything, and an engine that answers every offer.

use std::collections::BTreeSet;
use std::time::Duration;

use confocal::conference::{Agreed, MediaCommand, MediaReport, Sdp, SessionMemo, StreamMetadata};
use confocal::ports::{MediaEngine, ReportSink};
use confocal_signalling::{Homeserver, Registered, RequestError};
use http::StatusCode;
use ruma_common::{OwnedRoomId, OwnedServerName, OwnedUserId, RoomId, UserId};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// Does whatever it is asked, and tells the call id of each answer that is sent.
#[derive(Debug)]
pub(crate) struct WillingHomeserver {
    answers: mpsc::UnboundedSender<String>,
}

impl WillingHomeserver {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (answers, receiver) = mpsc::unbounded_channel();
        (Self { answers }, receiver)
    }
}

fn nothing() -> RequestError {
    let (status, errcode) = (StatusCode::NOT_FOUND, Some("M_NOT_FOUND".to_owned()));
    RequestError::Refused { status, errcode, retry_after: None }
}

impl Homeserver for WillingHomeserver {
    async fn register(&self, _: &UserId) -> Result<Registered, RequestError> {
        Ok(Registered::Before)
    }

    async fn set_display_name(&self, _: &UserId, _: &str) -> Result<(), RequestError> {
        Ok(())
    }

    async fn join(&self, _: &UserId, _: &RoomId, _: &[OwnedServerName]) -> Result<(), RequestError> {
        Ok(())
    }

    async fn leave(&self, _: &UserId, _: &RoomId) -> Result<(), RequestError> {
        Ok(())
    }

    async fn state(
        &self,
        _: &UserId,
        _: &RoomId,
        event_type: &str,
        _: &str,
    ) -> Result<Box<RawValue>, RequestError> {
        if event_type == "m.room.member" {
            Ok(to_raw_value(&json!({ "membership": "join" })).unwrap())
        } else {
            Err(nothing())
        }
    }

    async fn state_event(
        &self,
        _: &UserId,
        _: &RoomId,
        _: &str,
        _: &str,
    ) -> Result<Box<RawValue>, RequestError> {
        Err(nothing())
    }

    async fn joined_members(
        &self,
        as_user: &UserId,
        _: &RoomId,
    ) -> Result<BTreeSet<OwnedUserId>, RequestError> {
        Ok([as_user.to_owned()].into())
    }

    async fn messages_backwards(
        &self,
        _: &UserId,
        _: &RoomId,
        _: u32,
    ) -> Result<Vec<Box<RawValue>>, RequestError> {
        Ok(Vec::new())
    }

    async fn send(
        &self,
        _: &UserId,
        _: &RoomId,
        event_type: &str,
        _: &str,
        content: Box<RawValue>,
    ) -> Result<(), RequestError> {
        if event_type == "m.call.answer" {
            let content: Value = serde_json::from_str(content.get()).unwrap();
            // Nobody waits any more at the end.
            let _ = self.answers.send(content["call_id"].as_str().unwrap().to_owned());
        }
        Ok(())
    }

    async fn invite(&self, _: &UserId, _: &RoomId, _: &UserId) -> Result<(), RequestError> {
        Ok(())
    }

    async fn set_state(
        &self,
        _: &UserId,
        _: &RoomId,
        _: &str,
        _: &str,
        _: Box<RawValue>,
    ) -> Result<(), RequestError> {
        Ok(())
    }

    async fn joined_rooms(&self, _: &UserId) -> Result<BTreeSet<OwnedRoomId>, RequestError> {
        Ok(BTreeSet::new())
    }

    async fn can_preview(&self, _: &UserId, _: &RoomId, _: &[OwnedServerName]) -> Result<(), RequestError> {
        Err(nothing())
    }

    async fn ping(&self, _: &str) -> Result<Duration, RequestError> {
        Ok(Duration::ZERO)
    }
}

/// Answers and connects at once.
pub(crate) struct AnsweringEngine(pub(crate) ReportSink);

impl MediaEngine for AnsweringEngine {
    fn execute(&mut self, command: MediaCommand) {
        if let MediaCommand::Open { leg, generation, number, .. } = command {
            let (answer, streams) = (Sdp("v=0\r\n".repeat(300)), StreamMetadata::new());
            let (offer, agreed) = (number, Agreed::default());
            let memo = SessionMemo::default();
            self.0.report(MediaReport::AnswerReady { leg, generation, offer, answer, streams, agreed, memo });
            self.0.report(MediaReport::TransportUp { leg, generation });
        }
    }
}
