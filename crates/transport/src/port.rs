//! Which UDP port the next call uses, where the operator fixed a range.
//!
//! Sockets never live here: a port that was handed out may still be in use by another program, and the next is tried then.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::PortRange;

/// Hands out the ports of a range, each to one call at a time, the one freed longest ago first where possible.
#[derive(Clone, Debug)]
pub(crate) struct Ports {
    range: PortRange,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    next: u16,
    used: BTreeSet<u16>,
}

impl Ports {
    pub(crate) fn new(range: PortRange) -> Self {
        let state = State { next: range.first(), used: BTreeSet::new() };
        Self { range, state: Arc::new(Mutex::new(state)) }
    }

    /// A port that no call uses; `None` when all are.
    pub(crate) fn take(&self) -> Option<Port> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let size = usize::from(self.range.last() - self.range.first()) + 1;
        if state.used.len() >= size {
            return None;
        }
        loop {
            let number = state.next;
            state.next = if number == self.range.last() { self.range.first() } else { number + 1 };
            if state.used.insert(number) {
                return Some(Port { number, state: Arc::clone(&self.state) });
            }
        }
    }

    /// How many calls can have a port at once.
    pub(crate) fn size(&self) -> usize {
        usize::from(self.range.last() - self.range.first()) + 1
    }
}

/// A port that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    state: Arc<Mutex<State>>,
}

impl Port {
    pub(crate) const fn number(&self) -> u16 {
        self.number
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.used.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_has_one_user_and_comes_back() {
        let ports = Ports::new(PortRange::new(5000, 5002).unwrap());
        let taken: Vec<_> = std::iter::from_fn(|| ports.take()).collect();
        assert_eq!(taken.iter().map(Port::number).collect::<Vec<_>>(), [5000, 5001, 5002]);
        assert!(ports.take().is_none());
        drop(taken);
        assert_eq!(ports.take().map(|port| port.number()), Some(5000));
    }

    #[test]
    fn an_empty_range_is_refused() {
        assert!(PortRange::new(0, 10).is_err());
        assert!(PortRange::new(11, 10).is_err());
    }
}
