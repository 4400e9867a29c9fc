//! Whose datagram it is: by the address that it came from, or, on first contact, by the ICE name that a check calls, or by the check
//! of ours that it answers.
//!
//! An address belongs to a call only once the WebRTC stack has answered a check from there with success: nobody gets another's packets
//! by calling its name, nor fills this with addresses.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use super::wire::Path;
use crate::packet::LinkId;

/// Addresses of one call: its candidates, as far as they were checked.
const PATHS_MAX: usize = 8;

/// ICE names of one call: that of now, and the one before a restart.
const NAMES_MAX: usize = 2;

/// Checks of ours on one call that are not answered yet: a browser has a few dozen candidates.
const CHECKS_MAX: usize = 32;

/// The number of a check (RFC 8489 section 5).
pub(crate) type TransactionId = [u8; 12];

/// The addresses, names and checks of all calls.
#[derive(Debug, Default)]
pub(super) struct Routes {
    by_check: HashMap<TransactionId, LinkId>,
    /// Asked with each packet.
    by_address: HashMap<SocketAddr, LinkId, foldhash::fast::RandomState>,
    by_name: HashMap<String, LinkId>,
}

/// Those of one call.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// The one used last at the end.
    paths: Vec<Path>,
    names: VecDeque<String>,
    checks: VecDeque<TransactionId>,
    selected: Option<Path>,
}

impl Own {
    /// Where to send.
    pub(super) const fn selected(&self) -> Option<Path> {
        self.selected
    }

    /// A packet that was authenticated came by a path of this call: what is sent follows it.
    pub(super) fn follow(&mut self, path: Path) {
        if self.selected != Some(path) && self.paths.iter().any(|known| known.remote == path.remote) {
            self.selected = Some(path);
        }
    }
}

impl Routes {
    pub(super) fn by_address(&self, address: SocketAddr) -> Option<LinkId> {
        self.by_address.get(&address).copied()
    }

    pub(super) fn by_name(&self, name: &str) -> Option<LinkId> {
        self.by_name.get(name).copied()
    }

    pub(super) fn by_check(&self, id: TransactionId) -> Option<LinkId> {
        self.by_check.get(&id).copied()
    }

    /// A check is on its way from a call.
    pub(super) fn check(&mut self, link: LinkId, own: &mut Own, id: TransactionId) {
        self.by_check.insert(id, link);
        own.checks.push_back(id);
        if own.checks.len() > CHECKS_MAX
            && let Some(old) = own.checks.pop_front()
        {
            self.by_check.remove(&old);
        }
    }

    /// A call answers to a name. Names are random, 24 bits at the least (RFC 8445 section 5.3): a double one belongs to the first.
    pub(super) fn name(&mut self, link: LinkId, own: &mut Own, name: String) {
        if self.by_name.contains_key(&name) {
            return;
        }
        self.by_name.insert(name.clone(), link);
        own.names.push_back(name);
        if own.names.len() > NAMES_MAX
            && let Some(old) = own.names.pop_front()
        {
            self.by_name.remove(&old);
        }
    }

    /// An address proved to be a call's, which takes it over from another call if need be: behind one address there may be another
    /// caller later.
    pub(super) fn prove(&mut self, link: LinkId, own: &mut Own, path: Path, nominated: bool) {
        own.paths.retain(|known| known.remote != path.remote);
        own.paths.push(path);
        self.by_address.insert(path.remote, link);
        if nominated || own.selected.is_none() {
            own.selected = Some(path);
        }
        if own.paths.len() > PATHS_MAX {
            let oldest = own.paths.iter().position(|known| own.selected != Some(*known));
            if let Some(old) = oldest.map(|at| own.paths.remove(at)) {
                self.forget(link, old);
            }
        }
    }

    /// Forgets a call.
    pub(super) fn remove(&mut self, link: LinkId, own: &Own) {
        for name in &own.names {
            self.by_name.remove(name);
        }
        for path in &own.paths {
            self.forget(link, *path);
        }
        for id in &own.checks {
            self.by_check.remove(id);
        }
    }

    fn forget(&mut self, link: LinkId, path: Path) {
        if self.by_address.get(&path.remote) == Some(&link) {
            self.by_address.remove(&path.remote);
        }
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.by_address.is_empty() && self.by_name.is_empty() && self.by_check.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: LinkId = LinkId(1);
    const TWO: LinkId = LinkId(2);

    fn path(port: u16) -> Path {
        Path { remote: SocketAddr::from(([192, 0, 2, 1], port)), socket: 0, local: None }
    }

    #[test]
    fn names_outlive_one_restart() {
        let (mut routes, mut own) = (Routes::default(), Own::default());
        for name in ["first", "second", "third"] {
            routes.name(ONE, &mut own, name.to_owned());
        }
        assert_eq!(routes.by_name("first"), None);
        assert_eq!(routes.by_name("second"), Some(ONE));
        assert_eq!(routes.by_name("third"), Some(ONE));
        let mut other = Own::default();
        routes.name(TWO, &mut other, "third".to_owned());
        assert_eq!(routes.by_name("third"), Some(ONE));
        routes.remove(ONE, &own);
        assert!(routes.is_empty());
    }

    #[test]
    fn the_last_checks_of_a_call_are_known() {
        let (mut routes, mut own) = (Routes::default(), Own::default());
        for number in 0..100 {
            routes.check(ONE, &mut own, [number; 12]);
        }
        assert_eq!(routes.by_check([99; 12]), Some(ONE));
        assert_eq!(routes.by_check([99 - CHECKS_MAX as u8; 12]), None);
        routes.remove(ONE, &own);
        assert!(routes.is_empty());
    }

    #[test]
    fn the_nominated_path_is_taken_and_media_moves_it_along_proven_ones() {
        let (mut routes, mut own) = (Routes::default(), Own::default());
        own.follow(path(1));
        assert_eq!(own.selected(), None, "nobody proved that address");
        routes.prove(ONE, &mut own, path(1), false);
        routes.prove(ONE, &mut own, path(2), false);
        assert_eq!(own.selected(), Some(path(1)));
        routes.prove(ONE, &mut own, path(3), true);
        assert_eq!(own.selected(), Some(path(3)));
        own.follow(path(2));
        assert_eq!(own.selected(), Some(path(2)));
        own.follow(path(9));
        assert_eq!(own.selected(), Some(path(2)));
    }

    #[test]
    fn addresses_of_a_call_are_bounded_and_the_selected_one_stays() {
        let (mut routes, mut own) = (Routes::default(), Own::default());
        routes.prove(ONE, &mut own, path(1), true);
        for port in 2..100 {
            routes.prove(ONE, &mut own, path(port), false);
        }
        assert_eq!(own.paths.len(), PATHS_MAX);
        assert_eq!(own.selected(), Some(path(1)));
        assert_eq!(routes.by_address(path(1).remote), Some(ONE));
        assert_eq!(routes.by_address(path(50).remote), None);
        routes.remove(ONE, &own);
        assert!(routes.is_empty());
    }

    #[test]
    fn an_address_that_another_call_has_taken_over_stays_with_it() {
        let (mut routes, mut own, mut other) = (Routes::default(), Own::default(), Own::default());
        routes.prove(ONE, &mut own, path(1), true);
        routes.prove(TWO, &mut other, path(1), true);
        routes.remove(ONE, &own);
        assert_eq!(routes.by_address(path(1).remote), Some(TWO));
    }
}
