//! Which paths a connection takes, read off its connectivity checks (RFC 8445) as they pass by.
//!
//! Nothing is decided or answered here: the WebRTC stack does that, and what it answers with success it has authenticated.

use std::net::SocketAddr;

use confocal_rtp::{StunClass as Class, StunView};

use crate::shard::Path;

/// Checks on their way that are remembered: a browser has a few dozen candidate pairs, and checks them one after the other.
const CHECKS: usize = 32;

/// Addresses whose path is remembered.
const PATHS: usize = 16;

/// What the checks of one connection have shown.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Checks that came, and are not answered yet.
    theirs: Recent<Check, CHECKS>,
    /// Our own nominations that are not answered yet.
    ours: Recent<Check, CHECKS>,
    /// Which way packets came from an address.
    paths: Recent<Path, PATHS>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Check {
    /// The transaction.
    id: [u8; 12],
    /// The caller's address.
    remote: SocketAddr,
    /// It nominates the pair (RFC 8445 section 8.1.1).
    nominates: bool,
}

/// A path that proved to be the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proven {
    pub(super) path: Path,
    /// It is the one to send on from now on.
    pub(super) nominated: bool,
}

impl Watch {
    /// A datagram of the caller, on its way to the stack.
    pub(super) fn received(&mut self, datagram: &[u8], path: Path) -> Option<Proven> {
        self.paths.put(path, |known| known.remote == path.remote);
        let stun = StunView::parse(datagram)?;
        let remote = path.remote;
        match stun.class() {
            Class::Request => {
                let check = Check { id: stun.transaction_id(), remote, nominates: stun.use_candidate() };
                self.theirs.put(check, |known| known.id == check.id);
                None
            }
            Class::Success => {
                // The stack looks at who signed it; one that is forged needs a number of 96 bits to be right.
                self.ours.take(|check| check.id == stun.transaction_id() && check.remote == remote)?;
                Some(Proven { path, nominated: true })
            }
            Class::Indication | Class::Error => None,
        }
    }

    /// A datagram of the stack, on its way to an address.
    pub(super) fn sent(&mut self, datagram: &[u8], remote: SocketAddr) -> Option<Proven> {
        let stun = StunView::parse(datagram)?;
        match stun.class() {
            Class::Request if stun.use_candidate() => {
                let check = Check { id: stun.transaction_id(), remote, nominates: true };
                self.ours.put(check, |known| known.id == check.id);
                None
            }
            Class::Success => {
                let check =
                    self.theirs.take(|check| check.id == stun.transaction_id() && check.remote == remote)?;
                Some(Proven { path: self.path_of(remote)?, nominated: check.nominates })
            }
            Class::Request | Class::Indication | Class::Error => None,
        }
    }

    /// Which way packets came from an address; `None` if none has.
    pub(super) fn path_of(&self, remote: SocketAddr) -> Option<Path> {
        self.paths.find(|path| path.remote == remote)
    }
}

/// The last few of something.
#[derive(Debug)]
struct Recent<T, const N: usize> {
    /// The oldest first.
    kept: Vec<T>,
}

impl<T, const N: usize> Default for Recent<T, N> {
    fn default() -> Self {
        Self { kept: Vec::new() }
    }
}

impl<T: Copy, const N: usize> Recent<T, N> {
    /// Adds one, in place of the `same` one if there is one, or of the oldest if there are too many.
    fn put(&mut self, new: T, same: impl Fn(&T) -> bool) {
        if let Some(known) = self.kept.iter_mut().find(|known| same(known)) {
            *known = new;
            return;
        }
        if self.kept.len() >= N {
            self.kept.remove(0);
        }
        self.kept.push(new);
    }

    fn take(&mut self, wanted: impl Fn(&T) -> bool) -> Option<T> {
        let at = self.kept.iter().position(wanted)?;
        Some(self.kept.remove(at))
    }

    fn find(&self, wanted: impl Fn(&T) -> bool) -> Option<T> {
        self.kept.iter().copied().find(|kept| wanted(kept))
    }
}
