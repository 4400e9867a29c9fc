//! The HTTP side: requests to inputs of the machine, what comes of them to replies.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Json, Response};
use axum::routing::{get, post};
use confocal::conference::{
    CallInvite, CallVersion, FocusUser, HangupReason, Input, MemberId, Millis, OfferRefusal, Refusal,
    RoomKey, Sdp,
};
use confocal::ports::{Batch, Inbox};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::calls::{Calls, News, key};
use crate::engine::SharedEngine;
use crate::fragment;
use crate::stats::Board;

/// The largest offer or fragment that is read.
const MAX_BODY_BYTES: usize = 64 << 10;
/// The longest name of a conference, in bytes.
const MAX_NAME_BYTES: usize = 128;
/// How long an offer may wait for its answer. It is also the call's lifetime.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where to call; there is one of it, and no other user.
const FOCUS: &str = "focus";

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// What requests are served with.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) inbox: Inbox,
    pub(crate) calls: Calls,
    pub(crate) engine: SharedEngine,
    pub(crate) board: Board,
}

pub(crate) fn router(service: Service) -> Router {
    Router::new()
        .route("/", get(async || Html(include_str!("page.html"))))
        .route("/stats", get(stats))
        .route("/conferences/{name}", post(call))
        .route("/conferences/{name}/{leg}", axum::routing::patch(trickle).delete(hang_up))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(service)
}

async fn stats(State(service): State<Service>) -> Json<Value> {
    Json(service.board.json(&service.engine))
}

/// RFC 9725 section 4.2: an offer, and in reply the answer and the address of what it made.
async fn call(
    State(service): State<Service>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    offer: String,
) -> Response {
    if let Err(refusal) = expect_type(&headers, SDP) {
        return refusal;
    }
    if name.len() > MAX_NAME_BYTES {
        return plain(StatusCode::BAD_REQUEST, "the conference's name is too long");
    }
    let Ok(leg) = secret() else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "the system has no random numbers");
    };
    let (conference, direct) = (RoomKey::from(name.as_str()), RoomKey::from(leg.as_str()));
    // Nobody is told the others' addresses by their names.
    let member = MemberId::from(leg.get(..8).unwrap_or(&leg));
    let called = query.as_deref().and_then(named);
    let news = service.calls.enter(direct.clone(), conference.clone(), member.clone(), called);
    let entered = Entered { service: &service, direct: direct.clone(), answered: false };
    let inputs = vec![
        Input::FocusInvited {
            focus: FocusUser::from(FOCUS),
            group: conference,
            room: direct.clone(),
            by: member.clone(),
            via: Vec::new(),
        },
        Input::CallInvited(CallInvite {
            key: key(&direct, &member),
            invitee: None,
            version: CallVersion::V1,
            party: Some(leg.as_str().into()),
            offer: Sdp(offer),
            expires_in: Millis::from_secs(PATIENCE.as_secs()),
            metadata: None,
        }),
    ];
    if service.inbox.submit(Batch { id: None, inputs }).await.is_err() {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the conference is ending");
    }
    match outcome(news).await {
        Outcome::Answered(answer) => {
            entered.keep();
            let location = format!("/conferences/{}/{leg}", path_segment(&name));
            let headers = [(header::CONTENT_TYPE, SDP.to_owned()), (header::LOCATION, location)];
            (StatusCode::CREATED, headers, answer).into_response()
        }
        Outcome::Refused(why) => {
            let (status, text) = in_words(why);
            plain(status, text)
        }
        Outcome::Nothing => plain(StatusCode::GATEWAY_TIMEOUT, "no answer was made in time"),
    }
}

/// RFC 9725 section 4.3.1: more candidates. ICE restarts are not taken.
async fn trickle(
    State(service): State<Service>,
    Path((name, leg)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    if let Err(refusal) = expect_type(&headers, FRAGMENT) {
        return refusal;
    }
    let direct = RoomKey::from(leg.as_str());
    let Some(call) = service.calls.find(&RoomKey::from(name.as_str()), &direct) else { return no_call() };
    let candidates = fragment::candidates(&body);
    let key = key(&direct, &call.member);
    let input = Input::CallCandidates { key, party: Some(leg.as_str().into()), candidates };
    submitted(&service, vec![input], StatusCode::NO_CONTENT).await
}

/// RFC 9725 section 4.2: the end of a call.
async fn hang_up(State(service): State<Service>, Path((name, leg)): Path<(String, String)>) -> Response {
    let direct = RoomKey::from(leg.as_str());
    if service.calls.find(&RoomKey::from(name.as_str()), &direct).is_none() {
        return no_call();
    }
    submitted(&service, gone(&service, &direct), StatusCode::OK).await
}

/// What there is to tell when a caller is gone: the call is over, and so is the room that was theirs.
fn gone(service: &Service, direct: &RoomKey) -> Vec<Input> {
    let Some(call) = service.calls.forget(direct) else { return Vec::new() };
    let reason = HangupReason::UserHangup;
    vec![
        Input::CallHungUp { key: key(direct, &call.member), party: Some(direct.as_str().into()), reason },
        Input::MemberRemoved { room: direct.clone(), member: call.member },
    ]
}

async fn submitted(service: &Service, inputs: Vec<Input>, then: StatusCode) -> Response {
    match service.inbox.submit(Batch { id: None, inputs }).await {
        Ok(_) => then.into_response(),
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the conference is ending"),
    }
}

/// A call whose offer is not answered yet. It goes when its request does, whichever way that ends: by a refusal, by time, or because the
/// caller closed the connection.
struct Entered<'a> {
    service: &'a Service,
    direct: RoomKey,
    answered: bool,
}

impl Entered<'_> {
    fn keep(mut self) {
        self.answered = true;
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if !self.answered {
            let inputs = gone(self.service, &self.direct);
            let inbox = self.service.inbox.clone();
            // Whether the driver still takes it matters to nobody: without it there are no calls.
            tokio::spawn(async move { inbox.submit(Batch { id: None, inputs }).await });
        }
    }
}

enum Outcome {
    Answered(String),
    Refused(Option<Refusal>),
    Nothing,
}

/// What becomes of an offer. Why it is refused is told right after the refusal, if there is anything to tell.
async fn outcome(mut news: mpsc::UnboundedReceiver<News>) -> Outcome {
    match timeout(PATIENCE, news.recv()).await {
        Ok(Some(News::Answered(answer))) => Outcome::Answered(answer),
        Ok(Some(News::Because(why))) => Outcome::Refused(Some(why)),
        Ok(Some(News::Refused)) => match timeout(Duration::from_secs(1), news.recv()).await {
            Ok(Some(News::Because(why))) => Outcome::Refused(Some(why)),
            Ok(Some(News::Answered(_) | News::Refused) | None) | Err(_) => Outcome::Refused(None),
        },
        Ok(None) | Err(_) => Outcome::Nothing,
    }
}

/// Why a call is refused, for whoever placed it: 4xx where it is theirs to mend, 503 where it is not.
const fn in_words(why: Option<Refusal>) -> (StatusCode, &'static str) {
    let (unprocessable, unavailable) = (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::SERVICE_UNAVAILABLE);
    match why {
        Some(Refusal::Offer(why)) => match why {
            OfferRefusal::Malformed => (StatusCode::BAD_REQUEST, "the offer is no SDP that can be read"),
            OfferRefusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the offer is larger than 64 KiB"),
            OfferRefusal::NoAudio => (unprocessable, "the offer has no audio line"),
            OfferRefusal::NoCommonCodec => (unprocessable, "the offer has no codec in common with us (Opus)"),
            OfferRefusal::NoFingerprint => (unprocessable, "the offer has no DTLS fingerprint"),
            OfferRefusal::NoBundle => (unprocessable, "the offer has several media lines without BUNDLE"),
            OfferRefusal::Overloaded => (unavailable, "the engine has no room for one more call"),
            OfferRefusal::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "the engine failed; its log says how")
            }
        },
        Some(Refusal::Full) => (unavailable, "the conference is full"),
        Some(Refusal::Busy) => (unavailable, "there are as many conferences as there may be"),
        Some(Refusal::ServerFull | Refusal::TooManyCalls) => (unavailable, "there are too many calls"),
        Some(Refusal::Locked) => (StatusCode::FORBIDDEN, "the conference is locked"),
        Some(
            Refusal::NotAMember
            | Refusal::FocusNotInvited
            | Refusal::RoomNotDirect
            | Refusal::Ambiguous
            | Refusal::NotAllowed
            | Refusal::Kicked
            | Refusal::RoomReplaced
            | Refusal::RoomEncrypted
            | Refusal::Unknown,
        )
        | None => (StatusCode::FORBIDDEN, "the call was refused"),
    }
}

/// Parameters of a media type (`; charset=utf-8`) don't matter.
#[expect(clippy::result_large_err, reason = "it is the reply, made once a refused request")]
fn expect_type(headers: &HeaderMap, expected: &'static str) -> Result<(), Response> {
    let told = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = told.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, &format!("this takes {expected}")))
}

fn no_call() -> Response {
    plain(StatusCode::NOT_FOUND, "there is no such call")
}

fn plain(status: StatusCode, text: &str) -> Response {
    (status, format!("{text}\n")).into_response()
}

/// What can't be guessed: whoever knows a call's address may end it (RFC 9725 section 5).
fn secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

/// What a query says that the caller is called (`name=Anna%20B`); the machine cuts it to what can be shown.
fn named(query: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("name="))?;
    let spaced = value.replace('+', " ");
    Some(percent_decode_str(&spaced).decode_utf8().ok()?.into_owned())
}

/// A name as a segment of a path (RFC 3986 section 3.3): whatever is not unreserved is escaped.
fn path_segment(name: &str) -> String {
    use std::fmt::Write as _;
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            // Writing into a string does not fail.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped() {
        assert_eq!(path_segment("Team 1/ä"), "Team%201%2F%C3%A4");
    }

    #[test]
    fn a_caller_is_called_as_the_query_says() {
        assert_eq!(named("x=1&name=Anna%20B+%C3%A4").as_deref(), Some("Anna B ä"));
        assert_eq!((named("surname=B"), named("name=%FF")), (None, None));
    }
}
