//! ICE candidates (RFC 8839 section 5.1): which of a caller's are used, and how ours are told.
//!
//! Checks of connectivity never live here.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::sdp::Offer;

/// How many candidates of one call are used at the most: each costs connectivity checks.
pub(crate) const MAX_CANDIDATES: usize = 40;

/// The longest candidate line that is read, in bytes.
const MAX_LINE_BYTES: usize = 1024;

/// A candidate as signalling brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteCandidate {
    /// `candidate:…`; empty marks the end of the candidates.
    pub line: String,
    /// The name of the media line, where the client says it.
    pub mid: Option<String>,
    /// The position of the media line, where the client says it.
    pub line_index: Option<u16>,
}

/// Which addresses the focus sends connectivity checks to on a caller's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CandidatePolicy {
    /// Private, loopback and link-local addresses too.
    pub allow_private: bool,
}

impl CandidatePolicy {
    /// Whether checks may be sent to the address.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if address.is_unspecified() || address.is_multicast() {
            return false;
        }
        self.allow_private
            || match address {
                IpAddr::V4(address) => is_public_v4(address),
                IpAddr::V6(address) => is_public_v6(address),
            }
    }

    /// The candidate in a form that the WebRTC stack reads, if it is one to use: UDP, RTP's component, a literal address that is
    /// allowed, a port, and the ICE credentials of now where it names any.
    pub(crate) fn usable(self, line: &str, ufrag: &str) -> Option<String> {
        if line.len() > MAX_LINE_BYTES {
            return None;
        }
        let line = line.trim();
        let line = line.strip_prefix("a=").unwrap_or(line);
        let line = line.strip_prefix("candidate:").unwrap_or(line);
        let parsed = Candidate::parse(line)?;
        let of_now = parsed.ufrag.is_none_or(|named| named == ufrag);
        let fits = of_now && parsed.component == 1 && parsed.port != 0 && self.allows(parsed.address);
        // The foundation is the caller's to choose, up to 32 characters.
        let foundation =
            parsed.foundation.len() <= 32 && parsed.foundation.bytes().all(|b| b.is_ascii_graphic());
        (fits && foundation).then(|| {
            format!(
                "candidate:{} 1 udp {} {} {} typ {}",
                parsed.foundation, parsed.priority, parsed.address, parsed.port, parsed.kind
            )
        })
    }
}

/// Whether a candidate is meant for the transport of the offer's audio line. Clients leave out either name or position; one that
/// names a line that does not exist is not for us.
pub(crate) fn concerns_audio(candidate: &RemoteCandidate, offer: &Offer) -> bool {
    let lines = &offer.shape.lines;
    let named = match (&candidate.mid, candidate.line_index) {
        (Some(mid), _) if !mid.is_empty() => {
            // Some clients write the kind of media where its name belongs.
            let by_name = lines.iter().position(|line| line.mid.as_deref() == Some(mid));
            by_name.or_else(|| lines.iter().position(|line| line.media == *mid))
        }
        (_, Some(index)) => Some(usize::from(index)),
        (_, None) => Some(offer.shape.audio),
    };
    named.is_some_and(|index| {
        index == offer.shape.audio || offer.now.get(index).is_some_and(|line| line.shares_ice)
    })
}

/// Our own candidates for what a shard is bound to, as they are told, without `candidate:`: under the advertised address where that
/// is of their family, else under those of every interface where the bound address stands for all. With `tcp` each address takes TCP
/// connections, too.
///
/// # Errors
///
/// When the operating system does not say which interfaces there are.
pub(crate) fn ours(
    bound: impl Iterator<Item = SocketAddr>,
    tcp: bool,
    advertise: Option<IpAddr>,
) -> io::Result<Vec<String>> {
    let mut told: Vec<SocketAddr> = Vec::new();
    for bound in bound {
        let outside = advertise.filter(|outside| outside.is_ipv4() == bound.is_ipv4());
        let addresses = match outside {
            Some(outside) => vec![outside],
            None if bound.ip().is_unspecified() => interfaces(bound.is_ipv4())?,
            None => vec![bound.ip()],
        };
        for address in addresses.into_iter().map(|address| SocketAddr::new(address, bound.port())) {
            if !told.contains(&address) {
                told.push(address);
            }
        }
    }
    let places = || told.iter().zip(0_u32..);
    let udp = places().map(|(address, place)| {
        // RFC 8445 section 5.1.2.1: host candidates of RTP's component, the ones named first preferred.
        let priority = priority(126, 65_535_u32.saturating_sub(place));
        format!("{} 1 udp {priority} {} {} typ host", place + 1, address.ip(), address.port())
    });
    let tcp = places().filter(|_| tcp).map(|(address, place)| {
        // RFC 6544 section 4.2: behind UDP; passive ones have direction preference 4, in the upper 3 bits.
        let priority = priority(90, (4 << 13) | 8_191_u32.saturating_sub(place));
        let foundation = told.len() as u32 + place + 1;
        format!("{foundation} 1 tcp {priority} {} {} typ host tcptype passive", address.ip(), address.port())
    });
    Ok(udp.chain(tcp).collect())
}

/// RFC 8445 section 5.1.2.1, for component 1.
const fn priority(kind: u32, local: u32) -> u32 {
    (kind << 24) | (local << 8) | 255
}

/// The addresses of this machine that others may reach.
fn interfaces(ipv4: bool) -> io::Result<Vec<IpAddr>> {
    let addresses = rtc::shared::ifaces::ifaces()?.into_iter().filter_map(|interface| interface.addr);
    let usable = |address: &IpAddr| {
        let link_local = match address {
            IpAddr::V4(address) => address.is_link_local(),
            // Of no meaning elsewhere without the name of the interface, which a candidate has no place for.
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        address.is_ipv4() == ipv4 && !address.is_loopback() && !address.is_unspecified() && !link_local
    };
    Ok(addresses.map(|address| address.ip()).filter(usable).collect())
}

/// The parts of a UDP candidate with a literal address.
struct Candidate<'a> {
    foundation: &'a str,
    component: u16,
    priority: u32,
    address: IpAddr,
    port: u16,
    kind: &'a str,
    ufrag: Option<&'a str>,
}

impl<'a> Candidate<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let foundation = words.next()?;
        let component = words.next()?.parse().ok()?;
        if !words.next()?.eq_ignore_ascii_case("udp") {
            return None;
        }
        let priority = words.next()?.parse().ok()?;
        let address = words.next()?.parse().ok()?;
        let port = words.next()?.parse().ok()?;
        if words.next()? != "typ" {
            return None;
        }
        let kind = words.next().filter(|kind| matches!(*kind, "host" | "srflx" | "prflx" | "relay"))?;
        let mut ufrag = None;
        while let (Some(name), Some(value)) = (words.next(), words.next()) {
            if name == "ufrag" {
                ufrag = Some(value);
            }
        }
        Some(Self { foundation, component, priority, address, port, kind, ufrag })
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    // 100.64.0.0/10 is shared address space (RFC 6598), 0.0.0.0/8 and 240.0.0.0/4 name nobody.
    let shared = first == 100 && (64..128).contains(&second);
    let nobody = first == 0 || first >= 240;
    !(address.is_loopback() || address.is_private() || address.is_link_local() || shared || nobody)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    !(address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: CandidatePolicy = CandidatePolicy { allow_private: false };
    const ANY: CandidatePolicy = CandidatePolicy { allow_private: true };

    #[test]
    fn what_clients_send_is_sorted() {
        let of = |line: &str| ANY.usable(line, "XhIM");
        let chromium = "candidate:3493740862 1 udp 2122063615 192.0.2.2 55462 typ host generation 0 ufrag XhIM network-id 1";
        assert_eq!(of(chromium).unwrap(), "candidate:3493740862 1 udp 2122063615 192.0.2.2 55462 typ host");
        let reflexive = "candidate:1 1 UDP 1686052607 203.0.113.7 4000 typ srflx raddr 10.0.0.1 rport 4000";
        assert_eq!(of(reflexive).unwrap(), "candidate:1 1 udp 1686052607 203.0.113.7 4000 typ srflx");
        for useless in [
            "",
            "candidate:",
            "candidate:1 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active",
            "candidate:1 1 udp 1 4c6a1b1e-7b1d.local 4000 typ host",
            "candidate:1 2 udp 1 192.0.2.2 4000 typ host",
            "candidate:1 1 udp 1 192.0.2.2 0 typ host",
            "candidate:1 1 udp 1 0.0.0.0 4000 typ host",
            "candidate:1 1 udp 1 192.0.2.2 4000 typ host ufrag other",
            "candidate:1 1 udp 99999999999 192.0.2.2 4000 typ host",
            "candidate:1 1 udp 1 192.0.2.2 4000",
        ] {
            assert_eq!(of(useless), None, "{useless}");
        }
    }

    #[test]
    fn checks_go_to_private_addresses_only_if_allowed() {
        for address in [
            "10.1.2.3",
            "127.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            let address = address.parse().unwrap();
            assert!(!PUBLIC.allows(address) && ANY.allows(address), "{address}");
        }
        for address in ["203.0.114.1", "8.8.8.8", "2001:4860::1"] {
            assert!(PUBLIC.allows(address.parse().unwrap()), "{address}");
        }
        assert!(!ANY.allows("224.0.0.1".parse().unwrap()));
    }

    #[test]
    fn we_tell_each_address_once_and_the_advertised_one_in_place_of_its_family() {
        let bound =
            || ["192.0.2.1:5000", "198.51.100.1:5000", "[2001:db8::1]:5000"].map(|a| a.parse().unwrap());
        let told = ours(bound().into_iter(), false, None).unwrap();
        assert_eq!(
            told,
            [
                "1 1 udp 2130706431 192.0.2.1 5000 typ host",
                "2 1 udp 2130706175 198.51.100.1 5000 typ host",
                "3 1 udp 2130705919 2001:db8::1 5000 typ host",
            ]
        );
        let told = ours(bound().into_iter(), true, Some("203.0.113.1".parse().unwrap())).unwrap();
        assert_eq!(
            told,
            [
                "1 1 udp 2130706431 203.0.113.1 5000 typ host",
                "2 1 udp 2130706175 2001:db8::1 5000 typ host",
                "3 1 tcp 1520435199 203.0.113.1 5000 typ host tcptype passive",
                "4 1 tcp 1520434943 2001:db8::1 5000 typ host tcptype passive",
            ]
        );
    }

    #[test]
    fn an_address_that_stands_for_all_is_never_told() {
        for line in ours(["0.0.0.0:5000".parse().unwrap()].into_iter(), true, None).unwrap() {
            let address: Ipv4Addr = line.split(' ').nth(4).unwrap().parse().unwrap();
            assert!(!address.is_unspecified() && !address.is_loopback(), "{line}");
        }
    }

    #[test]
    fn a_candidate_finds_its_line_by_whatever_it_names() {
        let offer =
            Offer::parse(include_str!("../tests/fixtures/js-sdk-chromium/video-0-invite-offer.sdp")).unwrap();
        let concerns = |mid: Option<&str>, line_index| {
            let candidate = RemoteCandidate { line: String::new(), mid: mid.map(str::to_owned), line_index };
            concerns_audio(&candidate, &offer)
        };
        assert!(concerns(Some("0"), Some(0)));
        assert!(concerns(None, None));
        assert!(concerns(Some(""), Some(0)));
        assert!(concerns(Some("audio"), None));
        // Bundled lines share credentials.
        assert!(concerns(Some("1"), None));
        assert!(!concerns(Some("9"), None));
        assert!(!concerns(None, Some(9)));
    }
}
