//! Why a request failed, in words, as far as the types of the libraries' errors tell.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError, Error as Tls};

use crate::text;

/// The reason; `None` if the library's own text has to do.
pub(super) fn of(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut next = Some(error);
    let mut deepest = None;
    while let Some(error) = next {
        next = match error.downcast_ref::<io::Error>() {
            Some(io) => {
                deepest = network(io).or(deepest);
                // `source` of an `io::Error` is that of the error it wraps, so the wrapped error itself would be
                // skipped.
                io.get_ref().map(|inner| inner as &(dyn StdError + 'static))
            }
            None => match error.downcast_ref::<Tls>() {
                Some(tls) => return Some(handshake(tls)),
                None => error.source(),
            },
        };
    }
    deepest
}

fn network(error: &io::Error) -> Option<String> {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        | Kind::AddrNotAvailable
        | Kind::TimedOut => Some(text::system_reason(error)),
        Kind::UnexpectedEof if error.to_string().contains("tls handshake") => Some(
            "The server closed the connection instead of speaking TLS: is it an http:// address, or is the port wrong?"
                .to_owned(),
        ),
        // The resolver of the standard library has no kind and no type for its errors.
        _ if error.to_string().starts_with("failed to lookup address information") => {
            Some("The server's name was not found: check its spelling, and whether this machine is online".to_owned())
        }
        _ => None,
    }
}

fn handshake(error: &Tls) -> String {
    match error {
        Tls::InvalidCertificate(reason) => certificate(reason),
        Tls::InvalidMessage(_) => {
            "The server does not speak TLS here: is it an http:// address, or is the port wrong?".to_owned()
        }
        Tls::PeerIncompatible(_) | Tls::AlertReceived(AlertDescription::ProtocolVersion) => {
            "The server and this program have no version of TLS in common".to_owned()
        }
        Tls::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied,
        ) => format!("The server wants a client certificate, or another one than it got ({error})"),
        _ => text::line(&error.to_string()),
    }
}

fn certificate(error: &CertificateError) -> String {
    use CertificateError as Why;
    match error {
        Why::Expired | Why::ExpiredContext { .. } => {
            "The server's certificate has expired, or this machine's clock is ahead".to_owned()
        }
        Why::NotValidYet | Why::NotValidYetContext { .. } => {
            "The server's certificate is not valid yet, or this machine's clock is behind".to_owned()
        }
        Why::Revoked => "The server's certificate was revoked".to_owned(),
        Why::UnknownIssuer => {
            "The server's certificate is signed by an authority that this machine does not trust".to_owned()
        }
        // The verifier's own error, whose type is not public in rustls.
        Why::Other(reason) if format!("{reason:?}").contains("CaUsedAsEndEntity") => {
            "The server uses the certificate of an authority as its own, as `openssl req -x509` makes it by default. Make \
             one for a server, with -addext basicConstraints=critical,CA:FALSE"
                .to_owned()
        }
        Why::Other(reason) if format!("{reason:?}").contains("UnsupportedCertVersion") => {
            "The server's certificate has an old format without extensions. Make one that names the server in \
             subjectAltName"
                .to_owned()
        }
        // What the system's own verifier says: `Display` of rustls shows it as Rust would write it.
        Why::Other(reason) => format!("The server's certificate was not accepted: {}", text::line(&reason.0.to_string())),
        other => format!("The server's certificate was not accepted: {}", text::line(&other.to_string())),
    }
}
