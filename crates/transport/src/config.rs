//! How a transport is set up: addresses, ports, what is told to callers, ICE timing.
//!
//! Reading configuration files never lives here.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// Settings of a [`WebRtcTransport`](crate::WebRtcTransport).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportConfig {
    /// Addresses on which media is received. An unspecified one (`0.0.0.0`, `::`) stands for every interface of its family
    /// except loopback and link-local ones.
    pub listen: Vec<IpAddr>,
    /// Ports to use, one a shard, each on every listening address; `None` lets the operating system choose.
    pub ports: Option<PortRange>,
    /// Also take callers' TCP connections (ICE-TCP, RFC 6544), at the TCP port of the same number: for those whose network lets no UDP
    /// through.
    pub tcp: bool,
    /// The address that callers are told instead of a listening one of the same family, where a 1:1 NAT lies between
    /// (RFC 8445 section 5.1.1.1, a host candidate as seen from outside). Ports stay as they are.
    pub advertise: Option<IpAddr>,
    /// Answer connectivity checks only, never begin them (ICE-lite, RFC 8445 section 2.5).
    pub ice_lite: bool,
    /// Take candidates that name private, loopback or link-local addresses: the focus then sends connectivity checks there
    /// on a caller's word. Callers that can be reached only there still connect when it is off, since they begin the
    /// checks themselves.
    pub allow_private: bool,
    /// When a connection counts as interrupted, and as lost.
    pub timeouts: IceTimeouts,
}

impl Default for TransportConfig {
    /// Every IPv4 interface, any port, TCP too, full ICE, private candidates not taken.
    fn default() -> Self {
        Self {
            listen: vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)],
            ports: None,
            tcp: true,
            advertise: None,
            ice_lite: false,
            allow_private: false,
            timeouts: IceTimeouts::default(),
        }
    }
}

/// When a connection counts as interrupted, and as lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IceTimeouts {
    /// Nothing was heard for this long: [`SessionEvent::Lost`](crate::SessionEvent::Lost).
    pub lost: Duration,
    /// Nothing was heard for this much longer: [`SessionEvent::Failed`](crate::SessionEvent::Failed).
    pub failed: Duration,
    /// How often a connectivity check is sent on the chosen path.
    pub keepalive: Duration,
}

impl Default for IceTimeouts {
    /// A check every 4 s (RFC 7675 section 5.1 has 4 to 6 s), lost when two were not answered, failed 30 s later (clients try for that
    /// long to restart ICE). That no media comes is noticed sooner, by its absence.
    fn default() -> Self {
        Self {
            lost: Duration::from_secs(9),
            failed: Duration::from_secs(30),
            keepalive: Duration::from_secs(4),
        }
    }
}

/// A range of UDP ports, both ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// The ports from `first` to `last`.
    ///
    /// # Errors
    ///
    /// [`PortRangeError`] when `first` is 0 or above `last`.
    pub const fn new(first: u16, last: u16) -> Result<Self, PortRangeError> {
        if first == 0 || first > last {
            return Err(PortRangeError { first, last });
        }
        Ok(Self { first, last })
    }

    /// The lowest port.
    #[must_use]
    pub const fn first(self) -> u16 {
        self.first
    }

    /// The highest port.
    #[must_use]
    pub const fn last(self) -> u16 {
        self.last
    }
}

/// A port range that holds no port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{first} to {last} is no range of UDP ports")]
pub struct PortRangeError {
    /// The lower end as given.
    pub first: u16,
    /// The upper end as given.
    pub last: u16,
}
