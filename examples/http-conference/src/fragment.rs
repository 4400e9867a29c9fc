//! SDP fragments that bring candidates (`application/trickle-ice-sdpfrag`, RFC 8840).

use confocal::conference::Candidate;

/// The candidates of a fragment in their order, each with the media line that it stands under (RFC 8840 section 4.2): by the name in
/// `a=mid`, and by position where there is none. `a=end-of-candidates` becomes the empty candidate that marks the end. Other lines
/// are passed over, as an SDP parser does with attributes that it does not know.
pub(crate) fn candidates(fragment: &str) -> Vec<Candidate> {
    let mut mid = None;
    let mut line_index: Option<u16> = None;
    let mut candidates = Vec::new();
    for line in fragment.lines().map(str::trim_end) {
        if line.starts_with("m=") {
            line_index = Some(line_index.map_or(0, |index| index.saturating_add(1)));
            mid = None;
        } else if let Some(name) = line.strip_prefix("a=mid:") {
            mid = Some(name.to_owned());
        } else if let Some(line) = line.strip_prefix("a=").filter(|line| line.starts_with("candidate:")) {
            candidates.push(Candidate { line: line.to_owned(), mid: mid.clone(), line_index });
        } else if line == "a=end-of-candidates" {
            candidates.push(Candidate { line: String::new(), mid: mid.clone(), line_index });
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 8840 section 9, shortened.
    const FRAGMENT: &str = "a=ice-pwd:asd88fgpdd777uzjYhagZg\r\na=ice-ufrag:8hhY\r\n\
        m=audio 9 RTP/AVP 0\r\na=mid:1\r\n\
        a=candidate:1 1 UDP 2130706432 192.0.2.1 3478 typ host\r\na=end-of-candidates\r\n";

    #[test]
    fn candidates_know_their_line() {
        let at = |line: &str| Candidate { line: line.into(), mid: Some("1".into()), line_index: Some(0) };
        let host = "candidate:1 1 UDP 2130706432 192.0.2.1 3478 typ host";
        assert_eq!(candidates(FRAGMENT), [at(host), at("")]);
    }

    #[test]
    fn what_is_no_candidate_is_passed_over() {
        assert_eq!(candidates("m=audio 9 RTP/AVP 0\r\na=sendrecv\nrubbish\n\u{0}"), []);
    }
}
