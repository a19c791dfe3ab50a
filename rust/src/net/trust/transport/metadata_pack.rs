//! The metadata pack of a repository: many files in one request.
//!
//! Its content is trusted no more than single files from a mirror: it passes through `tough` in the same way, under the
//! same limits. A pack with any problem is ignored, and the single files are requested.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::{Inner, missing};
use crate::digest::Digest;
use crate::error::{Error, Result, TransportKind, TrustKind};
use crate::formats::metadata_pack::{self, MAX_PACKED_BYTES, MetadataPack, PackQuery};
use crate::net::http::{HttpAnswer, HttpRequest, Validators};
use crate::net::trust::Location;
use crate::net::trust::datastore::KnownMetadataPack;
use crate::net::trust::error::trust;

/// The state of the pack while a repository is open; shared by all transports of one repository.
#[derive(Debug, Default)]
pub(in crate::net::trust) struct Packed(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    found: Found,
    /// Why it was ignored, until the caller takes this.
    warning: Option<Error>,
}

#[derive(Debug, Default)]
enum Found {
    /// No mirror has been asked yet.
    #[default]
    Unasked,
    /// No mirror could be asked.
    Nowhere,
    /// There is no usable pack. `known` is set if the datastore said so and no request was made.
    Absent {
        location: String,
        known: Option<KnownMetadataPack>,
    },
    Open(Open),
}

#[derive(Debug)]
struct Open {
    location: String,
    validators: Validators,
    packed: Vec<u8>,
    pack: MetadataPack,
}

/// What a pack tells about a root version.
enum Root {
    Here(Vec<u8>),
    NoNewer,
    /// The pack does not tell; a mirror must be asked.
    Unknown,
}

impl Packed {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ignores the pack from now on, because it is invalid.
    pub(in crate::net::trust) fn pass_over(&self, error: &Error) {
        let mut state = self.state();
        let Found::Open(open) = &state.found else { return };
        let location = open.location.clone();
        state.warning = Some(warning(&location, error));
        state.found = Found::Absent { location, known: None };
    }

    /// Why the pack was ignored; returned once.
    pub(in crate::net::trust) fn take_warning(&self) -> Option<Error> {
        self.state().warning.take()
    }

    /// An unsigned file of the pack, which `tough` does not verify.
    pub(in crate::net::trust) fn beside(&self, path: &str) -> Option<Vec<u8>> {
        match &self.state().found {
            Found::Open(open) => open.pack.get(path).map(<[u8]>::to_vec),
            _ => None,
        }
    }

    /// The record of the pack for the datastore, with a timestamp of this digest, and the pack itself if it is kept.
    pub(in crate::net::trust) fn to_remember(&self, timestamp: &str) -> (Option<KnownMetadataPack>, Option<Vec<u8>>) {
        match &self.state().found {
            Found::Unasked | Found::Nowhere => (None, None),
            Found::Open(Open { location, validators, packed, .. }) => {
                let (location, validators) = (location.clone(), validators.clone());
                let here = KnownMetadataPack::Here { location, sha256: Digest::of(packed).to_string(), validators };
                (Some(here), Some(packed.clone()))
            }
            // If the timestamp has changed, a publication may have added a pack, so the next check asks again.
            Found::Absent { known: Some(known), .. } => {
                let is_same = matches!(known, KnownMetadataPack::Absent { timestamp: then, .. } if then == timestamp);
                (is_same.then(|| known.clone()), None)
            }
            Found::Absent { location, known: None } => {
                let since = Timestamp::now().as_second();
                let timestamp = timestamp.to_owned();
                (Some(KnownMetadataPack::Absent { location: location.clone(), since, timestamp }), None)
            }
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state().found, Found::Open(_))
    }

    fn root(&self, version: u64) -> Root {
        let state = self.state();
        let Found::Open(open) = &state.found else { return Root::Unknown };
        let newest = open.pack.newest_root().unwrap_or(0);
        if let Some(bytes) = open.pack.get(&PackQuery::Root(version).path()) {
            return Root::Here(bytes.to_vec());
        }
        if newest.checked_add(1) == Some(version) {
            return Root::NoNewer;
        }
        drop(state);
        if newest < version {
            let reason = format!("its newest root is {newest}, but root {version} is requested");
            self.pass_over(&trust(TrustKind::Rollback, reason));
        }
        Root::Unknown
    }
}

impl Inner {
    /// Asks the mirrors in order for a pack, until one answers. One attempt each, because the pack is optional.
    pub(super) async fn open_pack(&self) {
        if !matches!(self.packed.state().found, Found::Unasked) {
            return;
        }
        self.packed.state().found = Found::Nowhere;
        let order = self.state().route.mirrors.clone();
        for mirror in order {
            let Some(location) = self.locations.get(mirror) else { continue };
            // In a folder, single files cost nothing.
            let Location::Url(_) = location else { return };
            let at = location.to_string();
            let outcome = match self.memory.absent_pack(&at) {
                Some(known) => Ok(Found::Absent { location: at, known: Some(known) }),
                None => self.ask_for_pack(location).await,
            };
            match outcome {
                Ok(found) => {
                    self.packed.state().found = found;
                    return self.prefer(mirror);
                }
                Err(Error::Transport { kind: TransportKind::Offline | TransportKind::Tls, .. }) => {}
                // The mirror answers, and may still have the single files.
                Err(_) => return,
            }
        }
    }

    async fn ask_for_pack(&self, at: &Location) -> Result<Found> {
        let location = at.to_string();
        let Location::Url(url) = at.join(metadata_pack::PATH) else { return Ok(Found::Nowhere) };
        let client = self.client.as_ref().ok_or_else(|| missing(&location))?;
        let known = self.memory.known_pack(&location).filter(|_| self.state().route.cache);
        let validators = known.as_ref().map(|(validators, _)| validators.clone()).unwrap_or_default();
        let sent = &self.counters.requests;
        let question = HttpRequest { url: &url, max_bytes: MAX_PACKED_BYTES, known: &validators, sent };
        let answer = client.get_once_if_changed(question).await;
        let (packed, validators) = match (answer, known) {
            (Ok(HttpAnswer::Document { bytes, validators }), _) => {
                self.counters.add_received(bytes.len() as u64);
                (bytes, validators)
            }
            (Ok(HttpAnswer::NotModified), Some((validators, bytes))) => (bytes, validators),
            (Ok(HttpAnswer::TooLong | HttpAnswer::NotModified), _) => {
                return Ok(self.without_pack(location, &trust(TrustKind::Malformed, "it is too large")));
            }
            // Some hosts send their start page for what they do not have.
            (Err(Error::Transport { kind: TransportKind::NotFound | TransportKind::WebPage, .. }), _) => {
                return Ok(Found::Absent { location, known: None });
            }
            (Err(error), _) => return Err(error),
        };
        Ok(match read(&packed) {
            Ok(pack) => Found::Open(Open { location, validators, packed, pack }),
            // A newer program may write another format; that is not a fault of the pack.
            Err(Error::Unsupported { .. }) => Found::Absent { location, known: None },
            Err(error) => self.without_pack(location, &error),
        })
    }

    fn without_pack(&self, location: String, error: &Error) -> Found {
        self.packed.state().warning = Some(warning(&location, error));
        Found::Absent { location, known: None }
    }

    /// The file, or its absence, according to the pack; `None` if the pack does not tell.
    pub(super) fn packed_file(&self, wanted: &PackQuery, max_bytes: u64) -> Option<Result<Vec<u8>>> {
        let found = match wanted {
            PackQuery::Root(version) => match self.packed.root(*version) {
                Root::Here(bytes) => Some(bytes),
                Root::NoNewer => {
                    self.state().used_pack = true;
                    return Some(Err(missing(&wanted.path())));
                }
                Root::Unknown => None,
            },
            _ => self.packed.beside(&wanted.path()),
        };
        let fits = found.filter(|bytes| bytes.len() as u64 <= max_bytes)?;
        self.state().used_pack = true;
        Some(Ok(fits))
    }
}

/// Parses a pack, and checks that a repository can be opened with it.
fn read(packed: &[u8]) -> Result<MetadataPack> {
    let pack = MetadataPack::parse(packed)?;
    if pack.get(&PackQuery::Timestamp.path()).is_none() || pack.newest_root().is_none() {
        return Err(trust(TrustKind::Malformed, "it lacks the timestamp or a root"));
    }
    Ok(pack)
}

fn warning(location: &str, error: &Error) -> Error {
    let kind = match error {
        Error::Trust { kind, .. } => *kind,
        _ => TrustKind::Malformed,
    };
    let why = error.message_with_causes();
    trust(kind, format!("ignored {} of {location} and read the single files: {why}", metadata_pack::PATH))
}
