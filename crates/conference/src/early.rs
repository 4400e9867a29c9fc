//! Candidates that came before their call, kept until it comes.
//!
//! Candidates of calls that are known never live here.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::call::Candidate;
use crate::core::Core;
use crate::id::{CallKey, PartyId};
use crate::record::RecordKey;
use crate::time::{Millis, Timestamp};

/// How long candidates wait for their call.
const KEEP: Millis = Millis::from_secs(60);

/// Candidates of one party of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Early {
    key: CallKey,
    party: Option<PartyId>,
    until: Timestamp,
    candidates: Vec<Candidate>,
}

/// All of them, by a number that only grows; each is a record of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct EarlyCandidates {
    calls: BTreeMap<u64, Early>,
    /// The number of the next one. Not a record: after a restart it follows the last one kept.
    next: u64,
}

impl EarlyCandidates {
    /// Keeps candidates until their call comes.
    pub(crate) fn keep(
        &mut self,
        key: CallKey,
        party: Option<PartyId>,
        candidates: Vec<Candidate>,
        core: &mut Core,
    ) {
        let limits = core.config.limits;
        let known = self.calls.iter_mut().find(|(_, early)| early.key == key && early.party == party);
        if let Some((number, early)) = known {
            let room = limits.candidates_per_call.saturating_sub(early.candidates.len());
            early.candidates.extend(candidates.into_iter().take(room));
            core.changed(RecordKey::Early(*number));
            return;
        }
        let number = self.next;
        self.next += 1;
        let candidates = candidates.into_iter().take(limits.candidates_per_call).collect();
        self.calls.insert(number, Early { key, party, until: core.now + KEEP, candidates });
        core.changed(RecordKey::Early(number));
        while self.calls.len() > limits.early_calls {
            let Some((number, _)) = self.calls.pop_first() else { break };
            core.changed(RecordKey::Early(number));
        }
    }

    /// Takes the candidates that came before the call, of whatever parties no more than one call may have.
    pub(crate) fn take(&mut self, key: &CallKey, party: Option<&PartyId>, core: &mut Core) -> Vec<Candidate> {
        let mut taken = Vec::new();
        self.remove_if(core, |early| {
            if early.key != *key {
                return false;
            }
            if early.party.is_none() || party.is_none() || early.party.as_ref() == party {
                taken.append(&mut early.candidates);
            }
            true
        });
        taken.truncate(core.config.limits.candidates_per_call);
        taken
    }

    /// When the next one is forgotten: all are kept for the same time, so it is the first one.
    pub(crate) fn next_over(&self) -> Option<Timestamp> {
        self.calls.first_key_value().map(|(_, early)| early.until)
    }

    /// Forgets those whose time is over.
    pub(crate) fn forget_over(&mut self, core: &mut Core) {
        let now = core.now;
        self.remove_if(core, |early| early.until <= now);
    }

    pub(crate) fn restore(&mut self, number: u64, early: Early) {
        self.next = self.next.max(number + 1);
        self.calls.insert(number, early);
    }

    /// The entry of a number, for its record.
    pub(crate) fn get(&self, number: u64) -> Option<&Early> {
        self.calls.get(&number)
    }

    fn remove_if(&mut self, core: &mut Core, mut over: impl FnMut(&mut Early) -> bool) {
        self.calls.retain(|number, early| {
            let over = over(early);
            if over {
                core.changed(RecordKey::Early(*number));
            }
            !over
        });
    }
}
