//! The location of a repository: a URL or a folder.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

use crate::error::{Error, Result};
use crate::net::http::parse_url;
use crate::text;

/// The root of a repository, which contains `tuf/`, `targets/`, `store/` and `bundles/`.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// `http` or `https`. Its query, as in signed URLs, is sent with every request.
    Url(Url),
    /// A folder on this machine.
    Folder(PathBuf),
}

impl Location {
    /// The URL of a file below the root, or its path.
    pub(super) fn join(&self, path: &str) -> Self {
        match self {
            Self::Url(base) => {
                let mut url = base.clone();
                // S3 and similar stores decode a plus as a space, and versions may contain one.
                let path = path.replace('+', "%2B");
                url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
                url.set_fragment(None);
                Self::Url(url)
            }
            Self::Folder(folder) => Self::Folder(folder.join(path)),
        }
    }
}

impl FromStr for Location {
    type Err = Error;

    /// `http://…` and `https://…` are URLs; `file:///…` and text without a scheme are folders.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = |reason: &str| Error::invalid("repository", reason.to_owned());
        if text.is_empty() {
            return Err(invalid("it is empty"));
        }
        let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
        match scheme.as_str() {
            "http" | "https" => Ok(Self::Url(parse_url("repository", text)?)),
            "file" => {
                let url = Url::parse(text).map_err(|_| invalid("write a whole address, as in file:///srv/game"))?;
                let path =
                    url.to_file_path().map_err(|()| invalid("the file URL does not name a folder on this machine"))?;
                Ok(Self::Folder(path))
            }
            "" => {
                let folder = PathBuf::from(text);
                match text::meant_url(text).filter(|_| !folder.exists()) {
                    Some(meant) => {
                        let given = text::address(text);
                        Err(invalid(&format!("there is no folder {given}. If you mean a server, write {meant}")))
                    }
                    None => Ok(Self::Folder(folder)),
                }
            }
            _ => Err(invalid("it must be a folder or begin with http://, https:// or file://")),
        }
    }
}

impl fmt::Display for Location {
    /// Without user, password and query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => {
                let mut bare = url.clone();
                // Fails only for URLs that cannot have credentials.
                let _ = bare.set_username("");
                let _ = bare.set_password(None);
                bare.set_query(None);
                bare.set_fragment(None);
                write!(f, "{bare}")
            }
            Self::Folder(folder) => write!(f, "{}", folder.display()),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_says_what_it_is() {
        let parse = |text: &str| text.parse::<Location>().unwrap();
        assert!(matches!(parse("https://host/a"), Location::Url(_)));
        assert!(matches!(parse("HTTP://host"), Location::Url(_)));
        let (url, folder) =
            if cfg!(windows) { ("file:///C:/a%20b", "C:/a b") } else { ("file:///srv/a%20b", "/srv/a b") };
        assert_eq!(parse(url), Location::Folder(folder.into()));
        assert_eq!(parse("some/folder"), Location::Folder("some/folder".into()));
        for bad in ["", "ftp://host/", "http://", "host:8080/x", "https:/host/x"] {
            assert!(bad.parse::<Location>().is_err(), "{bad}");
        }
        // On Windows, that is a share.
        assert_eq!("file://other-host/x".parse::<Location>().is_ok(), cfg!(windows));
    }

    #[test]
    fn query_goes_along_and_is_not_shown() {
        let base: Location = "https://user:pw@host/a/?token=hush".parse().unwrap();
        let Location::Url(url) = base.join("tuf/timestamp.json") else { panic!("a URL") };
        assert_eq!(url.as_str(), "https://user:pw@host/a/tuf/timestamp.json?token=hush");
        assert_eq!(format!("{base:?}"), "Location(https://host/a/)");
    }

    #[test]
    fn plus_is_no_blank_anywhere() {
        let base: Location = "https://host/".parse().unwrap();
        let Location::Url(url) = base.join("targets/stable/1.0.0+b1/release.json") else { panic!("a URL") };
        assert_eq!(url.path(), "/targets/stable/1.0.0%2Bb1/release.json");
        let folder: Location = "/srv".parse().unwrap();
        assert_eq!(folder.join("1.0.0+b1"), Location::Folder("/srv/1.0.0+b1".into()));
    }
}
