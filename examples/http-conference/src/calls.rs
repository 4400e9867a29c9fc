//! The calls that there are, by the secret part of their address, and who waits for what becomes of an offer.
//!
//! Decisions never live here: they are the machine's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use confocal::conference::{CallKey, MemberId, Refusal, RoomKey};
use tokio::sync::mpsc;

/// What becomes of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is answered.
    Answered(String),
    /// It is refused; why comes next.
    Refused,
    /// Why it is refused.
    Because(Refusal),
}

/// What is known of a call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The conference's name.
    pub(crate) conference: RoomKey,
    /// The name that its caller goes by.
    pub(crate) member: MemberId,
    /// What its caller wants to be called.
    pub(crate) name: Option<String>,
    news: mpsc::UnboundedSender<News>,
}

/// All calls. A clone is the same table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<HashMap<RoomKey, Call>>>);

impl Calls {
    /// Enters a call in the caller's own room `direct`. What becomes of its offer comes out of the receiver.
    pub(crate) fn enter(
        &self,
        direct: RoomKey,
        conference: RoomKey,
        member: MemberId,
        name: Option<String>,
    ) -> mpsc::UnboundedReceiver<News> {
        let (news, receiver) = mpsc::unbounded_channel();
        self.lock().insert(direct, Call { conference, member, name, news });
        receiver
    }

    /// Tells whoever waits. Nobody may any more, which is no fault.
    pub(crate) fn tell(&self, direct: &RoomKey, news: News) {
        if let Some(call) = self.lock().get(direct) {
            let _ = call.news.send(news);
        }
    }

    /// A call of that conference.
    pub(crate) fn find(&self, conference: &RoomKey, direct: &RoomKey) -> Option<Call> {
        self.lock().get(direct).filter(|call| call.conference == *conference).cloned()
    }

    /// Whether there is a call of that name for the conference.
    pub(crate) fn has_member(&self, conference: &RoomKey, member: &MemberId) -> bool {
        self.lock().values().any(|call| call.conference == *conference && call.member == *member)
    }

    /// Forgets a call; `None` if it is gone already.
    pub(crate) fn forget(&self, direct: &RoomKey) -> Option<Call> {
        self.lock().remove(direct)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomKey, Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The call of a caller's own room; each has one.
pub(crate) fn key(direct: &RoomKey, member: &MemberId) -> CallKey {
    CallKey { room: direct.clone(), caller: member.clone(), call: direct.as_str().into() }
}
