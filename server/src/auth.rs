//! Who may do what, and the one way in which requests are authenticated.
//!
//! ```text
//! Principal      what the holder of a valid token may do           this file
//!   Tokens       tokens: made, recognised, revoked                 auth/tokens.rs
//!   Lockout      addresses that have sent too many wrong tokens    auth/lockout.rs
//!   Authorizer   all of this for one request, and its rate         auth/authorizer.rs
//! ```
//!
//! An operation that needs a token calls the [`Authorizer`]: those of `/api/v1` through their security scheme, uploads
//! of chunks through [`AuthorizeUpload`]. What the principal may then do is checked by the operation itself, with the
//! `require_…` methods.

use async_trait::async_trait;
use poem::Request;
use poem::http::header;
use uuid::Uuid;
use vsekai_updater::formats::release::ModeName;
use vsekai_updater::text;

use crate::error::{Error, Result};

mod authorizer;
mod lockout;
mod tokens;

pub use authorizer::Authorizer;
pub use lockout::Lockout;
pub use tokens::{NewToken, Tokens};

/// How every token of this server begins.
const PREFIX: &str = "vsk_";

/// What a token may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Admin,
    /// Publish to every mode.
    PublishAll,
    /// Publish to one mode.
    Publish(ModeName),
}

impl Scope {
    /// Parses `admin`, `publish:*` or `publish:<mode>`.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "admin" => Ok(Self::Admin),
            "publish:*" => Ok(Self::PublishAll),
            _ => {
                let mode = text.strip_prefix("publish:").and_then(|mode| ModeName::new(mode).ok());
                mode.map(Self::Publish).ok_or_else(|| {
                    let meant = meant(text).map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
                    Error::Invalid {
                        what: "scope",
                        reason: format!("{text:?} is not admin, publish:* or publish:MODE{meant}"),
                    }
                })
            }
        }
    }
}

/// The scope that was meant by a text that is none.
fn meant(text: &str) -> Option<String> {
    let (right, mode) = text.split_once([':', '=', '/', '.']).unwrap_or((text, ""));
    match text::closest(&right.to_ascii_lowercase(), &["admin", "publish"])? {
        "publish" if mode.is_empty() => Some("publish:*".to_owned()),
        "publish" => ModeName::new(mode).ok().map(|mode| format!("publish:{mode}")),
        meant => Some(meant.to_owned()),
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Admin => f.write_str("admin"),
            Self::PublishAll => f.write_str("publish:*"),
            Self::Publish(mode) => write!(f, "publish:{mode}"),
        }
    }
}

/// The holder of a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token's identifier.
    pub id: Uuid,
    /// What the token is for, in the operator's words.
    pub name: String,
    scopes: Vec<Scope>,
}

impl Principal {
    /// Requires the scope `admin`.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require_admin(&self) -> Result<()> {
        Self::require(self.scopes.contains(&Scope::Admin), "admin")
    }

    /// Requires a scope that lets it publish to this mode.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require_publish(&self, mode: &ModeName) -> Result<()> {
        let fits = |scope: &Scope| match scope {
            Scope::Admin | Scope::PublishAll => true,
            Scope::Publish(of) => of == mode,
        };
        Self::require(self.scopes.iter().any(fits), &format!("publish:{mode}"))
    }

    /// Requires a scope that lets it publish to every mode.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require_publish_all(&self) -> Result<()> {
        Self::require(self.scopes.iter().any(|scope| !matches!(scope, Scope::Publish(_))), "publish:*")
    }

    /// Requires a scope that lets it publish to some mode: for chunks, which belong to no mode.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require_publish_any(&self) -> Result<()> {
        Self::require(!self.scopes.is_empty(), "publish:*")
    }

    fn require(is_met: bool, scope: &str) -> Result<()> {
        if is_met { Ok(()) } else { Err(Error::Forbidden { scope: scope.to_owned() }) }
    }
}

/// Decides who may upload chunks. The static files ask it, so that they can be served and tested without tokens.
#[async_trait]
pub trait AuthorizeUpload: std::fmt::Debug + Send + Sync {
    /// Allows the upload of one chunk, or refuses it. Returns the id of the token.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::Forbidden`] or [`Error::TooManyRequests`].
    async fn authorize_upload(&self, request: &Request) -> Result<Uuid>;
}

/// The token in the header `Authorization`: after `Bearer`, in upper or lower case, or alone, because desync sends the
/// header exactly as it is configured.
fn presented(request: &Request) -> Option<&str> {
    let given = request.header(header::AUTHORIZATION)?;
    match given.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        _ => given.starts_with(PREFIX).then_some(given),
    }
}

/// The id in the token that the request presents, valid or not.
pub(crate) fn presented_id(request: &Request) -> Option<Uuid> {
    let (id, _) = presented(request)?.strip_prefix(PREFIX)?.split_once('_')?;
    Uuid::try_parse(id).ok()
}

/// Whether the request has a token of this server, valid or not. Proxies and desync send other credentials too.
pub fn presents_token(request: &Request) -> bool {
    presented(request).is_some_and(|token| token.starts_with(PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_open_what_they_name_and_nothing_more() {
        let mode = |name| ModeName::new(name).unwrap();
        let who = |scopes: &[&str]| Principal {
            id: Uuid::nil(),
            name: String::new(),
            scopes: scopes.iter().map(|scope| Scope::parse(scope).unwrap()).collect(),
        };
        assert!(who(&["admin"]).require_admin().is_ok() && who(&["admin"]).require_publish(&mode("stable")).is_ok());
        assert!(who(&["publish:*"]).require_admin().is_err());
        assert!(who(&["publish:nightly"]).require_publish(&mode("nightly")).is_ok());
        assert!(who(&["publish:nightly"]).require_publish(&mode("stable")).is_err());
        assert!(who(&["publish:nightly"]).require_publish_any().is_ok());
        assert!(who(&[]).require_publish_any().is_err());
        for wrong in ["", "Admin", "publish:", "publish:../x", "publish", "read:stable", "publish:root"] {
            assert!(Scope::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn mistyped_scopes_are_recognized() {
        for (typed, meant) in [
            ("admn", Some("admin")),
            ("Admin", Some("admin")),
            ("publish", Some("publish:*")),
            ("publsh:nightly", Some("publish:nightly")),
            ("Publish=nightly", Some("publish:nightly")),
            ("publish:../x", None),
            ("everything", None),
        ] {
            let said = Scope::parse(typed).unwrap_err().to_string();
            let tip = said.split_once("did you mean ").map(|(_, meant)| meant.trim_end_matches('?'));
            assert_eq!(tip, meant, "{said}");
        }
    }

    #[test]
    fn tokens_are_found_in_every_spelling_of_the_header() {
        let request = |value: &str| Request::builder().header(header::AUTHORIZATION, value).finish();
        for value in ["Bearer vsk_1", "bearer vsk_1", "BEARER   vsk_1", "vsk_1"] {
            let request = request(value);
            assert_eq!(presented(&request), Some("vsk_1"), "{value}");
            assert!(presents_token(&request));
        }
        assert_eq!(presented(&request("Bearer other")), Some("other"));
        assert!(!presents_token(&request("Bearer other")));
        for value in ["Basic dnNrXw==", "other", "Basic vsk_1", ""] {
            assert_eq!(presented(&request(value)), None, "{value}");
        }
        assert_eq!(presented(&Request::default()), None);
    }
}
