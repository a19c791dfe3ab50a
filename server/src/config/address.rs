//! Addresses to listen at, as people write them.

use std::net::{IpAddr, Ipv4Addr};

/// The address and port that were meant by a text that is none: `8080`, `:8080`, `localhost:8080`, `0.0.0.0`.
pub(super) fn meant(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches("http://").trim_end_matches('/');
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(if address.is_ipv6() { format!("[{address}]:8080") } else { format!("{address}:8080") });
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("localhost", text));
    let port: u16 = port.parse().ok()?;
    let address = match host {
        "localhost" => Ipv4Addr::LOCALHOST,
        "" | "*" => Ipv4Addr::UNSPECIFIED,
        other => other.parse().ok()?,
    };
    Some(format!("{address}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn addresses_are_recognized() {
        for (typed, address) in [
            ("8080", Some("127.0.0.1:8080")),
            (":80", Some("0.0.0.0:80")),
            ("*:80", Some("0.0.0.0:80")),
            ("localhost:8000", Some("127.0.0.1:8000")),
            ("http://10.0.0.1:8000/", Some("10.0.0.1:8000")),
            ("0.0.0.0", Some("0.0.0.0:8080")),
            ("::", Some("[::]:8080")),
            ("80800", None),
            ("here", None),
            ("host.example:80", None),
        ] {
            assert_eq!(meant(typed).as_deref(), address, "{typed}");
        }
    }
}
