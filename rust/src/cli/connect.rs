//! Reaches servers with the options, secrets and settings of a command.

use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::app::host;
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::formats::index::Index;
use crate::install::config;
use crate::limits;
use crate::local::disk;
use crate::local::sources::Sources;
use crate::local::store::LocalStore;
#[cfg(feature = "bucket")]
use crate::net::bucket::{Bucket, BucketOptions};
use crate::net::http::{HttpOptions, Network, RateLimit, Secret};
#[cfg(feature = "bucket")]
use crate::net::publish::BucketRepository;
use crate::net::publish::{Destination, Server};
#[cfg(feature = "bucket")]
use crate::text;

use crate::cli::arguments::publish::UpdateServer;
use crate::cli::checks;
use crate::cli::options::{read_small, url_of, variable};
use crate::cli::{arguments, settings};

/// The network, set up when a URL first needs it, because reading the system's certificates takes a while.
pub(crate) struct LazyNetwork<'a> {
    options: &'a arguments::Network,
    network: OnceCell<Network>,
}

impl<'a> LazyNetwork<'a> {
    pub(crate) fn new(options: &'a arguments::Network) -> Self {
        Self { options, network: OnceCell::new() }
    }

    fn get(&self) -> Result<&Network> {
        if let Some(network) = self.network.get() {
            return Ok(network);
        }
        let network = connect(self.options)?;
        Ok(self.network.get_or_init(|| network))
    }
}

pub(crate) fn connect(options: &arguments::Network) -> Result<Network> {
    connect_by(options, settings::network(options)?)
}

/// The same, with these settings.
pub(crate) fn connect_by(options: &arguments::Network, settings: config::Settings) -> Result<Network> {
    connect_as(options, settings, secret(options.http_auth_file.as_deref(), "VSEKAI_HTTP_AUTH")?)
}

/// The update server that is named, if any. It identifies publishers by a token.
pub(crate) fn update_server(named: &UpdateServer) -> Result<Option<Server>> {
    let Some(url) = &named.url else { return Ok(None) };
    let token = secret_text(named.token_file.as_deref(), "VSEKAI_TOKEN")?;
    let authorization = token.map(|token| Secret::new(format!("Bearer {token}")));
    let network = connect_as(&named.network, settings::network(&named.network)?, authorization)?;
    Server::new(url.clone(), network).map(Some)
}

fn connect_as(
    options: &arguments::Network,
    merged: config::Settings,
    authorization: Option<Secret>,
) -> Result<Network> {
    let mut certificate = options.client_cert.as_deref().map(read_small).transpose()?;
    if let (Some(certificate), Some(key)) = (&mut certificate, &options.client_key) {
        certificate.push(b'\n');
        certificate.extend(read_small(key)?);
    }
    let limit_rate = merged.limit_rate.value.as_deref().map(config::rate_bytes_per_second).transpose()?;
    Network::new(&HttpOptions {
        authorization,
        cookie: secret(options.http_cookie_file.as_deref(), "VSEKAI_HTTP_COOKIE")?,
        client_certificate_pem: certificate,
        credential_origins: options.http_auth_origin.clone(),
        ca_certificates_pem: options.ca_cert.iter().map(|path| read_small(path)).collect::<Result<_>>()?,
        proxy: merged.proxy.value,
        no_proxy: host::no_proxy(),
        rate_limit: RateLimit::new(options.limit_rate.or(limit_rate), None),
        max_in_flight: usize::from(merged.connections.value),
        ..HttpOptions::default()
    })
}

/// The repository that a publisher's command changes: a folder, or a bucket by its `s3:` address.
///
/// # Errors
/// `invalid_argument` for any other address.
#[cfg_attr(
    not(feature = "bucket"),
    expect(unused_variables, clippy::needless_pass_by_value, reason = "only a bucket needs them")
)]
pub(crate) fn repository(place: PathBuf, cache: Option<PathBuf>, cancel: &Cancel) -> Result<Destination> {
    match place.to_str() {
        #[cfg(feature = "bucket")]
        Some(address) if text::has_scheme(address) && address.to_ascii_lowercase().starts_with("s3:") => {
            let settings = std::env::vars().filter(|(name, _)| name.starts_with("AWS_")).collect();
            let bucket = Bucket::open(address, &BucketOptions { settings }, cancel)?;
            Ok(Destination::Bucket(BucketRepository { bucket, cache }))
        }
        _ if cache.is_some() => Err(Error::invalid("--bucket-cache", "it is for a repository in a bucket")),
        _ => Ok(Destination::Folder(checks::local_folder("--repository", place)?)),
    }
}

/// Secrets come from a file or the environment, never from an argument: every process can see those.
fn secret(file: Option<&Path>, variable: &'static str) -> Result<Option<Secret>> {
    Ok(secret_text(file, variable)?.map(Secret::new))
}

fn secret_text(file: Option<&Path>, name: &'static str) -> Result<Option<String>> {
    let text = match file {
        Some(path) => Some(String::from_utf8_lossy(&read_small(path)?).into_owned()),
        None => variable(name)?,
    };
    Ok(text.map(|text| text.lines().next().unwrap_or_default().trim().to_owned()))
}

/// Reads an index from a file or a URL.
pub(crate) fn index(text: &OsStr, network: &LazyNetwork<'_>) -> Result<Index> {
    let bytes = match url_of(text) {
        Some(url) => network.get()?.document(&url?, limits::MAX_INDEX_BYTES)?,
        None => disk::read(Path::new(text), limits::MAX_INDEX_BYTES)?,
    };
    Index::parse(&bytes)
}

/// The named stores. Folders and URLs each keep their order.
pub(crate) fn stores(named: &[OsString], network: &LazyNetwork<'_>) -> Result<Sources> {
    let mut sources = Sources::default();
    let mut urls = Vec::new();
    for store in named {
        match url_of(store) {
            Some(url) => urls.push(url?),
            None => sources.stores.push(LocalStore::open(Path::new(store))?),
        }
    }
    if !urls.is_empty() {
        sources.remote = Some(network.get()?.remote(urls)?);
    }
    Ok(sources)
}
