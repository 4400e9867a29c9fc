//! The outbox: committed requests on their way to the homeserver, in order within a room, rooms side by side.
//!
//! What a request means never lives here, nor how one is carried until its fate is known, see `carrier.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use confocal_conference::{RequestFailure, RequestId, RoomKey, SignalRequest};
use tokio::sync::{Semaphore, mpsc};

use crate::carrier::{Carrier, failed};
use crate::clock::Clock;
use crate::ports::{Order, Performed, Row, Signalling};

/// Requests under way at once, over all rooms: a homeserver's usual pool of database connections is not much larger.
const AT_ONCE: usize = 32;

/// Joins under way at once. They have places of their own, and more of them: a join of a room whose server does not answer
/// lasts minutes, and calls must not wait for whatever rooms people invite us into.
const JOINS_AT_ONCE: usize = 256;

/// What came of a request; the driver tells the machine and commits before the room's next request begins.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) id: RequestId,
    pub(crate) room: RoomKey,
    pub(crate) performed: Performed,
}

/// A row in its room's queue.
struct Waiting {
    row: Row,
    /// The last run may have carried it out already.
    again: bool,
}

/// One queue a room.
pub(crate) struct Outbox<S> {
    signalling: Arc<S>,
    clock: Clock,
    nonce: Arc<str>,
    queues: BTreeMap<RoomKey, VecDeque<Waiting>>,
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
    pub(crate) fn push(&mut self, row: Row) {
        let room = row.request.room().clone();
        self.queues.entry(room.clone()).or_default().push_back(Waiting { row, again: false });
        self.begin(&room);
    }

    /// Takes a request of the last run; it waits for [`release`](Self::release), behind it whatever comes meanwhile.
    pub(crate) fn hold(&mut self, row: Row) {
        let queue = self.queues.entry(row.request.room().clone()).or_default();
        // A request begins when the one before it is done, so of a room's only the first can have been under way.
        let again = queue.is_empty();
        queue.push_back(Waiting { row, again });
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
        let Some(Waiting { row, again }) = queue.pop_front() else {
            self.queues.remove(room);
            return;
        };
        self.busy.insert(room.clone());
        let Row { id, request, at } = row;
        let places = if is_join(&request) { &self.join_places } else { &self.places };
        let carrier = Carrier {
            signalling: Arc::clone(&self.signalling),
            clock: self.clock,
            places: Arc::clone(places),
            since: at.unwrap_or_else(|| self.clock.now()),
        };
        let order = Order { id, transaction: format!("{}.{id}", self.nonce), request, again };
        let (results, room) = (self.results.clone(), room.clone());
        tokio::spawn(async move {
            // A mistake in an adapter costs the request that it was made in, not its room all that follow.
            let carried = tokio::spawn(async move { carrier.carry(order).await }).await;
            let performed = carried.unwrap_or_else(|_| failed(RequestFailure::Rejected));
            // The driver has ended; the row is still in the store and is sent again at the next start.
            let _ = results.send(Sent { id, room, performed });
        });
    }
}

const fn is_join(request: &SignalRequest) -> bool {
    matches!(
        request,
        SignalRequest::JoinGroup { .. } | SignalRequest::JoinDirect { .. } | SignalRequest::JoinAsBot { .. }
    )
}
