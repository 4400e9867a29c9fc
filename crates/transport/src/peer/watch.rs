//! Which paths a connection takes, read off its connectivity checks (RFC 8445) as they pass by.
//!
//! Nothing is decided or answered here: the WebRTC stack does that, and what it answers with success it has authenticated.

use std::net::SocketAddr;

use confocal_rtp::{StunClass as Class, StunView};

use crate::shard::{Path, TransactionId};

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
    /// The address that was nominated last.
    selected: Option<SocketAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Check {
    id: TransactionId,
    /// The caller's address.
    remote: SocketAddr,
    /// It nominates the pair (RFC 8445 section 8.1.1).
    nominates: bool,
}

/// What a check shows as it passes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// A check of ours is on its way; what answers it is for this connection.
    Asked(TransactionId),
    /// A path proved to be the caller's.
    Proven {
        path: Path,
        /// It is the one to send on from now on.
        nominated: bool,
    },
}

impl Watch {
    /// A datagram of the caller, on its way to the stack.
    pub(super) fn received(&mut self, datagram: &[u8], path: Path) -> Option<Shown> {
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
                Some(self.proven(path, true))
            }
            Class::Indication | Class::Error => None,
        }
    }

    /// A datagram of the stack, on its way to an address.
    pub(super) fn sent(&mut self, datagram: &[u8], remote: SocketAddr) -> Option<Shown> {
        let stun = StunView::parse(datagram)?;
        match stun.class() {
            Class::Request => {
                let check = Check { id: stun.transaction_id(), remote, nominates: stun.use_candidate() };
                if check.nominates {
                    self.ours.put(check, |known| known.id == check.id);
                }
                // What comes from where we send to already finds its way.
                (self.selected != Some(remote)).then_some(Shown::Asked(check.id))
            }
            Class::Success => {
                let check =
                    self.theirs.take(|check| check.id == stun.transaction_id() && check.remote == remote)?;
                Some(Shown::Proven { path: self.path_of(remote)?, nominated: check.nominates })
            }
            Class::Indication | Class::Error => None,
        }
    }

    fn proven(&mut self, path: Path, nominated: bool) -> Shown {
        if nominated {
            self.selected = Some(path.remote);
        }
        Shown::Proven { path, nominated }
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

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: u16 = 0x0001;
    const SUCCESS: u16 = 0x0101;

    /// A check or its answer, with or without a nomination in it.
    fn check(kind: u16, id: u8, nominates: bool) -> Vec<u8> {
        let attribute: &[u8] = if nominates { &[0, 0x25, 0, 0] } else { &[] };
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend((attribute.len() as u16).to_be_bytes());
        bytes.extend([0x21, 0x12, 0xA4, 0x42]);
        bytes.extend([id; 12]);
        bytes.extend(attribute);
        bytes
    }

    fn path(port: u16) -> Path {
        let local = Some("198.51.100.1".parse().unwrap());
        Path { remote: SocketAddr::from(([192, 0, 2, 1], port)), socket: 1, local }
    }

    fn proven(port: u16, nominated: bool) -> Option<Shown> {
        Some(Shown::Proven { path: path(port), nominated })
    }

    #[test]
    fn a_check_that_the_stack_answers_proves_the_way_it_came() {
        let mut watch = Watch::default();
        assert_eq!(watch.received(&check(REQUEST, 1, false), path(1)), None);
        assert_eq!(watch.sent(&check(SUCCESS, 1, false), path(1).remote), proven(1, false));
        assert_eq!(watch.received(&check(REQUEST, 2, true), path(1)), None);
        assert_eq!(watch.sent(&check(SUCCESS, 2, false), path(1).remote), proven(1, true));
        assert_eq!(watch.sent(&check(SUCCESS, 2, false), path(1).remote), None, "once");
    }

    #[test]
    fn an_answer_to_elsewhere_or_to_nothing_proves_nothing() {
        let mut watch = Watch::default();
        watch.received(&check(REQUEST, 1, true), path(1));
        assert_eq!(watch.sent(&check(SUCCESS, 1, false), path(2).remote), None);
        assert_eq!(watch.sent(&check(SUCCESS, 9, false), path(1).remote), None);
    }

    #[test]
    fn our_own_checks_are_told_until_there_is_a_path_and_a_nomination_that_is_answered_makes_one() {
        let mut watch = Watch::default();
        assert_eq!(watch.sent(&check(REQUEST, 1, false), path(1).remote), Some(Shown::Asked([1; 12])));
        assert_eq!(watch.received(&check(SUCCESS, 1, false), path(1)), None, "it nominated nothing");
        assert_eq!(watch.sent(&check(REQUEST, 2, true), path(1).remote), Some(Shown::Asked([2; 12])));
        assert_eq!(watch.received(&check(SUCCESS, 2, false), path(3)), None, "from elsewhere");
        assert_eq!(watch.received(&check(SUCCESS, 2, false), path(1)), proven(1, true));
        assert_eq!(watch.sent(&check(REQUEST, 3, false), path(1).remote), None);
        assert_eq!(watch.sent(&check(REQUEST, 4, false), path(2).remote), Some(Shown::Asked([4; 12])));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut watch = Watch::default();
        for number in 0..250 {
            watch.received(&check(REQUEST, number, true), path(u16::from(number)));
            watch.sent(&check(REQUEST, number, true), path(u16::from(number)).remote);
        }
        assert_eq!(
            (watch.theirs.kept.len(), watch.ours.kept.len(), watch.paths.kept.len()),
            (CHECKS, CHECKS, PATHS)
        );
        assert_eq!(watch.sent(&check(SUCCESS, 249, false), path(249).remote), proven(249, true));
        assert_eq!(watch.sent(&check(SUCCESS, 1, false), path(1).remote), None);
    }
}
