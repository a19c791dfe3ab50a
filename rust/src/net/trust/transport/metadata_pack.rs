//! The pack of a repository: files that need not be asked for one by one.
//!
//! What is in it is believed no more than what the mirror would have sent by itself: it takes the same way through
//! `tough`, under the same caps. Whatever is wrong with it, it is passed over, and the single files are asked for.

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

/// What is known of the pack while a repository is open; outlives the single courier.
#[derive(Debug, Default)]
pub(in crate::net::trust) struct Packed(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    found: Found,
    /// Why it was passed over, until somebody wants to know.
    warning: Option<Error>,
}

#[derive(Debug, Default)]
enum Found {
    /// Nobody was asked yet.
    #[default]
    Unasked,
    /// Nobody could be asked.
    Nowhere,
    /// There is none, or none that can be used. Known already, nobody was asked.
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

/// What a pack says of a root.
enum Root {
    Here(Vec<u8>),
    NoNewer,
    /// Who wants to know has to ask for it.
    Unknown,
}

impl Packed {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pack does not hold: from now on there is none.
    pub(in crate::net::trust) fn pass_over(&self, error: &Error) {
        let mut state = self.state();
        let Found::Open(open) = &state.found else { return };
        let location = open.location.clone();
        state.warning = Some(warning(&location, error));
        state.found = Found::Absent { location, known: None };
    }

    /// Why it was passed over; the first time only.
    pub(in crate::net::trust) fn take_warning(&self) -> Option<Error> {
        self.state().warning.take()
    }

    /// A file that is not asked for by `tough`, and not verified by anybody.
    pub(in crate::net::trust) fn beside(&self, path: &str) -> Option<Vec<u8>> {
        match &self.state().found {
            Found::Open(open) => open.pack.get(path).map(<[u8]>::to_vec),
            _ => None,
        }
    }

    /// What to remember of it beside a timestamp of this digest, and the pack if it is to be kept.
    pub(in crate::net::trust) fn to_remember(&self, timestamp: &str) -> (Option<KnownMetadataPack>, Option<Vec<u8>>) {
        match &self.state().found {
            Found::Unasked | Found::Nowhere => (None, None),
            Found::Open(Open { location, validators, packed, .. }) => {
                let (location, validators) = (location.clone(), validators.clone());
                let here = KnownMetadataPack::Here { location, sha256: Digest::of(packed).to_string(), validators };
                (Some(here), Some(packed.clone()))
            }
            // A publication may have brought one: the next check looks.
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
            let reason = format!("root {newest} is its newest, and root {version} comes next");
            self.pass_over(&trust(TrustKind::Rollback, reason));
        }
        Root::Unknown
    }
}

impl Inner {
    /// Asks the mirrors in their order, until one answers, whether there is a pack. One try each: there is another way.
    pub(super) async fn open_pack(&self) {
        if !matches!(self.packed.state().found, Found::Unasked) {
            return;
        }
        self.packed.state().found = Found::Nowhere;
        let order = self.state().route.mirrors.clone();
        for mirror in order {
            let Some(location) = self.locations.get(mirror) else { continue };
            // The files of a folder cost nothing.
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
                // It is there, and may still have the single files.
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
                return Ok(self.without_pack(location, &trust(TrustKind::Malformed, "it is longer than any")));
            }
            (Err(Error::Transport { kind: TransportKind::NotFound, .. }), _) => {
                return Ok(Found::Absent { location, known: None });
            }
            (Err(error), _) => return Err(error),
        };
        Ok(match read(&packed) {
            Ok(pack) => Found::Open(Open { location, validators, packed, pack }),
            // A later version of this program writes another: nothing is wrong with it.
            Err(Error::Unsupported { .. }) => Found::Absent { location, known: None },
            Err(error) => self.without_pack(location, &error),
        })
    }

    fn without_pack(&self, location: String, error: &Error) -> Found {
        self.packed.state().warning = Some(warning(&location, error));
        Found::Absent { location, known: None }
    }

    /// What the pack has to say; nothing if somebody else is to be asked.
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

/// A pack that a repository can be opened with.
fn read(packed: &[u8]) -> Result<MetadataPack> {
    let pack = MetadataPack::parse(packed)?;
    if pack.get(&PackQuery::Timestamp.path()).is_none() || pack.newest_root().is_none() {
        return Err(trust(TrustKind::Malformed, "it lacks what everybody needs"));
    }
    Ok(pack)
}

fn warning(location: &str, error: &Error) -> Error {
    let kind = match error {
        Error::Trust { kind, .. } => *kind,
        _ => TrustKind::Malformed,
    };
    trust(kind, format!("{} of {location} is passed over, the single files are read: {error}", metadata_pack::PATH))
}
