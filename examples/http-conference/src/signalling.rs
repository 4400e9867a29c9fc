//! The `Signalling` port over HTTP: what takes the homeserver's place.
//!
//! Rooms are names and nothing else, so joins and leavings succeed at once; an answer, or why there is none, goes to the request that
//! waits for it.

use std::collections::BTreeSet;

use confocal::conference::{
    Admission, CallAddress, Input, Membership, Notice, RequestFailure, RequestOutcome, SignalRequest,
};
use confocal::ports::{Order, Performed, SendError, Signalling};

use crate::calls::{Calls, News};

/// Carries out what the machine asks for.
#[derive(Clone, Debug)]
pub(crate) struct HttpSignalling {
    calls: Calls,
}

impl HttpSignalling {
    pub(crate) const fn new(calls: Calls) -> Self {
        Self { calls }
    }

    /// A call that the focus ended: its caller hears of it by its connection's end, and its room is given up.
    fn ended(&self, to: &CallAddress) -> Performed {
        let call = self.calls.forget(&to.room);
        let left = call.map(|call| Input::MemberRemoved { room: to.room.clone(), member: call.member });
        Performed { learnt: left.into_iter().collect(), ..Performed::done() }
    }
}

impl Signalling for HttpSignalling {
    async fn perform(&self, order: &Order) -> Result<Performed, SendError> {
        let outcome = |outcome| Ok(Performed { outcome, learnt: Vec::new() });
        match &order.request {
            SignalRequest::AskAdmission { group, direct, .. } => {
                // Whoever has a call for a conference may be in it.
                let call = self.calls.find(group, direct);
                let (joined, name) = (call.is_some(), call.and_then(|call| call.name));
                outcome(RequestOutcome::Admission(Admission { joined, direct_members: 2, name }))
            }
            SignalRequest::CompareMembers { room, members, .. } => {
                let absent: BTreeSet<_> =
                    members.iter().filter(|member| !self.calls.has_member(room, member)).cloned().collect();
                outcome(RequestOutcome::Membership(Membership { focus_joined: true, absent }))
            }
            SignalRequest::Answer { to, answer, .. } => {
                self.calls.tell(&to.room, News::Answered(answer.0.clone()));
                Ok(Performed::done())
            }
            SignalRequest::Reject { to } => {
                self.calls.tell(&to.room, News::Refused);
                Ok(Performed::done())
            }
            SignalRequest::Notice { room, notice: Notice::Refused { why, .. }, .. } => {
                self.calls.tell(room, News::Because(*why));
                Ok(Performed::done())
            }
            SignalRequest::Hangup { to, .. } => Ok(self.ended(to)),
            // What is said in words nobody reads here, and rooms are only names.
            SignalRequest::Notice { .. }
            | SignalRequest::AssertIdentity { .. }
            | SignalRequest::DescribeStreams { .. }
            | SignalRequest::JoinGroup { .. }
            | SignalRequest::JoinDirect { .. }
            | SignalRequest::Leave { .. }
            | SignalRequest::CountOut { .. }
            | SignalRequest::Announce { .. } => Ok(Performed::done()),
            // No bot is ever invited, no call is older than the process, and there is no way to a caller but the reply to its offer.
            SignalRequest::JoinAsBot { .. }
            | SignalRequest::LeaveIfAlone { .. }
            | SignalRequest::InviteFocus { .. }
            | SignalRequest::AskRooms { .. }
            | SignalRequest::NegotiateAnswer { .. }
            | SignalRequest::NegotiateOffer { .. } => Err(SendError::Final {
                failure: RequestFailure::Rejected,
                why: "signalling over HTTP has no such thing".to_owned(),
            }),
        }
    }
}
