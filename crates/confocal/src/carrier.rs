//! Carrying one request of the outbox until its fate is known: tries, waits, and when to give up.
//!
//! In what order requests go never lives here, nor how one is sent: that is the `Signalling` port's.

use std::sync::Arc;
use std::time::Duration;

use confocal_conference::{Millis, RequestFailure, RequestOutcome, SignalRequest, Timestamp};
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use crate::clock::Clock;
use crate::ports::{Order, Performed, SendError, Signalling};

/// The first and the longest wait before another try. The other side's own `retry_after_ms` goes before these, and its
/// return after it was away ends them.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The longest that is waited because the other side asks for it: the room's other requests wait as well.
const LONGEST_ASKED_FOR: Duration = Duration::from_secs(300);

/// Carries one request until its fate is known.
pub(crate) struct Carrier<S> {
    pub(crate) signalling: Arc<S>,
    pub(crate) clock: Clock,
    /// What bounds the requests under way at once.
    pub(crate) places: Arc<Semaphore>,
    /// Since when the request is to be carried out.
    pub(crate) since: Timestamp,
}

impl<S: Signalling> Carrier<S> {
    pub(crate) async fn carry(&self, mut order: Order) -> Performed {
        let mut wait = FIRST_WAIT;
        // Since when the other side has been there and failed at it.
        let mut failing: Option<Timestamp> = None;
        loop {
            if self.is_late(&order.request) {
                debug!(request = %order.id, "no longer of use, not sent");
                return failed(RequestFailure::Expired);
            }
            let (after, reached, why) = match self.attempt(&order).await {
                Ok(performed) => {
                    #[cfg(feature = "crash-points")]
                    crate::crash::reached("after-send", kind(&order.request));
                    return performed;
                }
                Err(SendError::Final { failure, why }) => {
                    warn!(request = %order.id, kind = kind(&order.request), why, "the homeserver refused");
                    return failed(failure);
                }
                Err(SendError::Retry { after, reached, why }) => (after, reached, why),
            };
            // Whatever the fault was: a reply that is lost looks like a request that was.
            order.again = true;
            failing = if reached { failing.or_else(|| Some(self.clock.now())) } else { None };
            let failed_for = failing.map_or(Millis(0), |since| self.clock.now().since(since));
            if self.waited() >= patience(&order.request) || failed_for >= gives_way(&order.request) {
                warn!(request = %order.id, kind = kind(&order.request), why, "given up");
                return failed(RequestFailure::Expired);
            }
            let pause = after.map_or(wait, |after| after.min(LONGEST_ASKED_FOR));
            warn!(
                request = %order.id,
                kind = kind(&order.request),
                why,
                again_in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                "not sent yet"
            );
            wait = (wait * 2).min(LONGEST_WAIT);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // That it is back is no leave to hurry one who was asked to wait.
                () = self.signalling.returned(), if after.is_none() => wait = FIRST_WAIT,
            }
        }
    }

    /// Whether it is too late to send it even once, as after a long time in which this program did not run. What ends something
    /// is never too late.
    fn is_late(&self, request: &SignalRequest) -> bool {
        let expired = request.expires().is_some_and(|expires| expires <= self.clock.now());
        let is_talk = matches!(request, SignalRequest::Reject { .. } | SignalRequest::Notice { .. });
        expired || is_talk && self.waited() >= patience(request)
    }

    fn waited(&self) -> Millis {
        self.clock.now().since(self.since)
    }

    /// One try. One that is under way when the other side comes back is not waited for: what it was sent over may be gone.
    async fn attempt(&self, order: &Order) -> Result<Performed, SendError> {
        let _place = self.places.acquire().await;
        #[cfg(feature = "crash-points")]
        crate::crash::reached("before-send", kind(&order.request));
        tokio::select! {
            outcome = self.signalling.perform(order) => outcome,
            () = self.signalling.returned() => Err(SendError::Retry {
                after: Some(Duration::ZERO),
                reached: false,
                why: "the homeserver came back while it was under way".to_owned(),
            }),
        }
    }
}

/// For how long a request is tried, from its commit on. What is said in a call, or of one that rings, is of no use when the call
/// is long over, its hangup too, for its media ended long before; an invitation still stands after an hour; what takes us out of a
/// room is worth a day.
const fn patience(request: &SignalRequest) -> Millis {
    match request {
        SignalRequest::AskAdmission { .. }
        | SignalRequest::CompareMembers { .. }
        | SignalRequest::AskRooms { .. }
        | SignalRequest::Answer { .. }
        | SignalRequest::NegotiateAnswer { .. }
        | SignalRequest::NegotiateOffer { .. }
        | SignalRequest::DescribeStreams { .. }
        | SignalRequest::AssertIdentity { .. }
        | SignalRequest::InviteFocus { .. }
        | SignalRequest::Announce { announcement: Some(_), .. }
        | SignalRequest::CountOut { .. }
        | SignalRequest::Reject { .. }
        | SignalRequest::Hangup { .. }
        | SignalRequest::Notice { .. } => Millis::from_secs(600),
        SignalRequest::JoinGroup { .. }
        | SignalRequest::JoinDirect { .. }
        | SignalRequest::JoinAsBot { .. }
        | SignalRequest::LeaveIfAlone { .. } => Millis::from_secs(3_600),
        SignalRequest::Leave { .. } | SignalRequest::Announce { announcement: None, .. } => {
            Millis::from_secs(86_400)
        }
    }
}

/// For how long a request is tried at which the other side, being there, fails each time: then what waits behind it in its room gets
/// its turn. What is said in a call is soon of no use; where we are is worth more: a leave is asked for again by the machine, and what
/// becomes of a join is found out after the next absence, when the homeserver is asked for our rooms.
const fn gives_way(request: &SignalRequest) -> Millis {
    match request {
        SignalRequest::AskAdmission { .. }
        | SignalRequest::CompareMembers { .. }
        | SignalRequest::AskRooms { .. }
        | SignalRequest::Answer { .. }
        | SignalRequest::NegotiateAnswer { .. }
        | SignalRequest::NegotiateOffer { .. }
        | SignalRequest::DescribeStreams { .. }
        | SignalRequest::AssertIdentity { .. }
        | SignalRequest::InviteFocus { .. }
        | SignalRequest::CountOut { .. }
        | SignalRequest::Reject { .. }
        | SignalRequest::Hangup { .. }
        | SignalRequest::Announce { announcement: Some(_), .. }
        | SignalRequest::Notice { .. } => Millis::from_secs(60),
        SignalRequest::JoinGroup { .. }
        | SignalRequest::JoinDirect { .. }
        | SignalRequest::JoinAsBot { .. }
        | SignalRequest::LeaveIfAlone { .. }
        | SignalRequest::Leave { .. }
        | SignalRequest::Announce { announcement: None, .. } => Millis::from_secs(600),
    }
}

pub(crate) const fn failed(failure: RequestFailure) -> Performed {
    Performed { outcome: RequestOutcome::Failed(failure), learnt: Vec::new() }
}

/// A request's name for the log, without anyone's name in it.
pub(crate) const fn kind(request: &SignalRequest) -> &'static str {
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
        SignalRequest::AskRooms { .. } => "ask rooms",
        SignalRequest::Answer { .. } => "answer",
        SignalRequest::NegotiateAnswer { .. } => "negotiate answer",
        SignalRequest::NegotiateOffer { .. } => "negotiate offer",
        SignalRequest::DescribeStreams { .. } => "describe streams",
        SignalRequest::Reject { .. } => "reject",
        SignalRequest::Hangup { .. } => "hangup",
        SignalRequest::Notice { .. } => "notice",
    }
}
