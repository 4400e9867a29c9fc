//! The outbox: committed requests on their way to the homeserver, in order within a room, rooms side by side.
//!
//! What a request means never lives here, nor how it is sent: that is the `Signalling` port's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use confocal_conference::{RequestFailure, RequestId, RequestOutcome, RoomKey, SignalRequest};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::clock::Clock;
use crate::ports::{Order, Performed, SendError, Signalling};

/// Requests under way at once, over all rooms: a homeserver's usual pool of database connections is not much larger.
const AT_ONCE: usize = 32;

/// Joins under way at once. They have places of their own, and more of them: a join of a room whose server does not answer
/// lasts minutes, and calls must not wait for whatever rooms people invite us into.
const JOINS_AT_ONCE: usize = 256;

/// The first and the longest wait before another try. The other side's own `retry_after_ms` goes before these.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What came of a request; the driver tells the machine and commits before the room's next request begins.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) id: RequestId,
    pub(crate) room: RoomKey,
    pub(crate) performed: Performed,
}

/// One queue a room.
pub(crate) struct Outbox<S> {
    signalling: Arc<S>,
    clock: Clock,
    nonce: Arc<str>,
    queues: BTreeMap<RoomKey, VecDeque<(RequestId, SignalRequest)>>,
    /// Rooms whose first request is under way.
    busy: BTreeSet<RoomKey>,
    places: Arc<Semaphore>,
    join_places: Arc<Semaphore>,
    results: mpsc::UnboundedSender<Sent>,
}

impl<S: Signalling> Outbox<S> {
    /// An outbox, and where its results come out: one per request, so never more than there are rows.
    pub(crate) fn new(
        signalling: Arc<S>,
        clock: Clock,
        nonce: &str,
    ) -> (Self, mpsc::UnboundedReceiver<Sent>) {
        let (results, receiver) = mpsc::unbounded_channel();
        let outbox = Self {
            signalling,
            clock,
            nonce: nonce.into(),
            queues: BTreeMap::new(),
            busy: BTreeSet::new(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            join_places: Arc::new(Semaphore::new(JOINS_AT_ONCE)),
            results,
        };
        (outbox, receiver)
    }

    /// Takes a committed request; it begins at once if its room has nothing else under way.
    pub(crate) fn push(&mut self, id: RequestId, request: SignalRequest) {
        let room = request.room().clone();
        self.queues.entry(room.clone()).or_default().push_back((id, request));
        self.begin(&room);
    }

    /// Takes a request of the last run; it waits for [`release`](Self::release), behind it whatever comes meanwhile.
    pub(crate) fn hold(&mut self, id: RequestId, request: SignalRequest) {
        self.queues.entry(request.room().clone()).or_default().push_back((id, request));
    }

    /// Begins with the requests of the last run.
    pub(crate) fn release(&mut self) {
        let rooms: Vec<RoomKey> = self.queues.keys().cloned().collect();
        for room in rooms {
            self.begin(&room);
        }
    }

    /// A room's request is done and committed: on with the next.
    pub(crate) fn settled(&mut self, room: &RoomKey) {
        self.busy.remove(room);
        self.begin(room);
    }

    fn begin(&mut self, room: &RoomKey) {
        if self.busy.contains(room) {
            return;
        }
        let Some(queue) = self.queues.get_mut(room) else { return };
        let Some((id, request)) = queue.pop_front() else {
            self.queues.remove(room);
            return;
        };
        self.busy.insert(room.clone());
        let places = if is_join(&request) { &self.join_places } else { &self.places };
        let places = Arc::clone(places);
        let order = Order { id, transaction: format!("{}.{id}", self.nonce), request };
        let carrier = Carrier { signalling: Arc::clone(&self.signalling), clock: self.clock, places };
        let (results, room) = (self.results.clone(), room.clone());
        tokio::spawn(async move {
            // A mistake in an adapter costs the request that it was made in, not its room all that follow.
            let carried = tokio::spawn(async move { carrier.carry(&order).await }).await;
            let performed = carried.unwrap_or_else(|_| failed(RequestFailure::Rejected));
            // The driver has ended; the row is still in the store and is sent again at the next start.
            let _ = results.send(Sent { id, room, performed });
        });
    }
}

/// Carries one request until its fate is known.
struct Carrier<S> {
    signalling: Arc<S>,
    clock: Clock,
    places: Arc<Semaphore>,
}

impl<S: Signalling> Carrier<S> {
    async fn carry(&self, order: &Order) -> Performed {
        let mut wait = FIRST_WAIT;
        let give_up = Instant::now() + patience(&order.request);
        loop {
            if order.request.expires().is_some_and(|expires| expires <= self.clock.now()) {
                debug!(request = %order.id, "no longer of use, not sent");
                return failed(RequestFailure::Expired);
            }
            let outcome = {
                let _place = self.places.acquire().await;
                self.signalling.perform(order).await
            };
            match outcome {
                Ok(performed) => return performed,
                Err(SendError::Final { failure, why }) => {
                    warn!(request = %order.id, kind = kind(&order.request), why, "the homeserver refused");
                    return failed(failure);
                }
                Err(SendError::Retry { why, .. }) if Instant::now() >= give_up => {
                    warn!(request = %order.id, kind = kind(&order.request), why, "given up");
                    return failed(RequestFailure::Expired);
                }
                Err(SendError::Retry { after, why }) => {
                    let pause = after.unwrap_or(wait).min(LONGEST_WAIT);
                    warn!(
                        request = %order.id,
                        kind = kind(&order.request),
                        why,
                        again_in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                        "not sent yet"
                    );
                    tokio::time::sleep(pause).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }
}

/// For how long a request is tried. What is said in a call, or of one that rings, is of no use when the call is long over; an
/// invitation still stands after an hour; what ends something is worth a day.
const fn patience(request: &SignalRequest) -> Duration {
    match request {
        SignalRequest::AskAdmission { .. }
        | SignalRequest::CompareMembers { .. }
        | SignalRequest::Answer { .. }
        | SignalRequest::NegotiateAnswer { .. }
        | SignalRequest::NegotiateOffer { .. }
        | SignalRequest::AssertIdentity { .. }
        | SignalRequest::InviteFocus { .. }
        | SignalRequest::Announce { announcement: Some(_), .. }
        | SignalRequest::CountOut { .. }
        | SignalRequest::Reject { .. }
        | SignalRequest::Notice { .. } => Duration::from_secs(600),
        SignalRequest::JoinGroup { .. }
        | SignalRequest::JoinDirect { .. }
        | SignalRequest::JoinAsBot { .. }
        | SignalRequest::LeaveIfAlone { .. } => Duration::from_secs(3_600),
        SignalRequest::Leave { .. }
        | SignalRequest::Announce { announcement: None, .. }
        | SignalRequest::Hangup { .. } => Duration::from_secs(86_400),
    }
}

const fn is_join(request: &SignalRequest) -> bool {
    matches!(
        request,
        SignalRequest::JoinGroup { .. } | SignalRequest::JoinDirect { .. } | SignalRequest::JoinAsBot { .. }
    )
}

const fn failed(failure: RequestFailure) -> Performed {
    Performed { outcome: RequestOutcome::Failed(failure), learnt: Vec::new() }
}

/// A request's name for the log, without anyone's name in it.
const fn kind(request: &SignalRequest) -> &'static str {
    match request {
        SignalRequest::JoinGroup { .. } => "join group room",
        SignalRequest::JoinDirect { .. } => "join 1:1 room",
        SignalRequest::JoinAsBot { .. } => "join as the bot",
        SignalRequest::LeaveIfAlone { .. } => "leave if alone",
        SignalRequest::InviteFocus { .. } => "invite the focus user",
        SignalRequest::Announce { .. } => "announce",
        SignalRequest::CountOut { .. } => "count out",
        SignalRequest::AssertIdentity { .. } => "asserted identity",
        SignalRequest::Leave { .. } => "leave",
        SignalRequest::AskAdmission { .. } => "ask admission",
        SignalRequest::CompareMembers { .. } => "compare members",
        SignalRequest::Answer { .. } => "answer",
        SignalRequest::NegotiateAnswer { .. } => "negotiate answer",
        SignalRequest::NegotiateOffer { .. } => "negotiate offer",
        SignalRequest::Reject { .. } => "reject",
        SignalRequest::Hangup { .. } => "hangup",
        SignalRequest::Notice { .. } => "notice",
    }
}
