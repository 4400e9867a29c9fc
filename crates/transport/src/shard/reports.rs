//! stub
use std::time::{Duration, Instant};

use crate::packet::LinkStats;

#[derive(Debug)]
pub(super) struct Reports;

impl Reports {
    pub(super) fn new(_ssrc: u32, _now: Instant) -> Self {
        Self
    }
    pub(super) fn received(&mut self, _ssrc: u32, _sequence: u16, _timestamp: u32, _arrival: Instant) {}
    pub(super) fn sent(&mut self, _timestamp: u32, _bytes: usize) {}
    pub(super) fn take(&mut self, _compound: &[u8], _arrival: Instant, _stats: &mut LinkStats) {}
    pub(super) fn is_due(&self, _now: Instant) -> bool {
        false
    }
    pub(super) fn write(&mut self, _cname: &str, _now: Instant, _out: &mut [u8]) -> Option<usize> {
        None
    }
    pub(super) fn jitter(&self) -> Duration {
        Duration::ZERO
    }
    pub(super) fn lost(&self) -> u64 {
        0
    }
}
