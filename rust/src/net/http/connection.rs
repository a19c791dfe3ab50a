//! What all requests share: certificates, proxy, windows of HTTP/2, and the redirects that are followed.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect;
use url::Url;

use super::HttpOptions;
use super::failure::Failure;
use super::origins::{Resolver, UserOrigins};
use crate::error::{Error, Result};

/// Most redirects of one request.
const MAX_REDIRECTS: usize = 5;

/// How long an idle connection is kept.
const POOL_IDLE: Duration = Duration::from_mins(1);

/// HTTP/2 windows: the most that one stream, and all streams of a connection, may have in flight. 8 MiB allows 1 Gbit/s
/// at 64 ms, and bounds the memory that a connection can make us use in addition to the bodies.
const STREAM_WINDOW_BYTES: u32 = 2 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;

pub(super) fn check(options: &HttpOptions) -> Result<()> {
    let invalid = |what, reason: &str| Err(Error::invalid(what, reason.to_owned()));
    if options.attempts == 0 {
        return invalid("attempts", "it must be at least 1");
    }
    if !(1..=1024).contains(&options.max_in_flight) {
        return invalid("max_in_flight", "it must be between 1 and 1024");
    }
    if options.rate_limit.is_zero() {
        return invalid("rate limit", "it must not be 0");
    }
    if options.idle_timeout.is_zero() || options.connect_timeout.is_zero() {
        return invalid("timeout", "it must not be 0");
    }
    Ok(())
}

pub(super) fn build(options: &HttpOptions, origins: Option<&Arc<UserOrigins>>) -> Result<reqwest::Client> {
    build_as(options, origins, |builder| builder)
}

/// Like [`build`], with a last change.
pub(super) fn build_as(
    options: &HttpOptions,
    origins: Option<&Arc<UserOrigins>>,
    change: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<reqwest::Client> {
    let configure = || configure(options, origins.cloned()).map(&change);
    let with_system_authorities = configure()?.build();
    if with_system_authorities.is_err() && options.ca_certificates_pem.is_empty() {
        // A small container may have no certificate authorities at all. There, plain HTTP must work, and HTTPS must
        // fail for lack of trust.
        return configure()?.tls_certs_only([]).build().map_err(invalid("HTTP options"));
    }
    with_system_authorities.map_err(invalid("HTTP options"))
}

fn configure(options: &HttpOptions, origins: Option<Arc<UserOrigins>>) -> Result<reqwest::ClientBuilder> {
    let ping = (options.idle_timeout / 3).max(Duration::from_secs(1));
    let mut builder = reqwest::Client::builder()
        .user_agent(&options.user_agent)
        .connect_timeout(options.connect_timeout)
        .pool_max_idle_per_host(options.max_in_flight)
        .pool_idle_timeout(POOL_IDLE)
        .tcp_nodelay(true)
        .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
        .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        // Otherwise a connection that died silently would be reused for every further attempt.
        .http2_keep_alive_interval(ping)
        .http2_keep_alive_timeout(ping)
        .referer(false)
        .redirect(judge_redirects(origins.clone()));
    if let Some(origins) = origins {
        builder = builder.dns_resolver(Arc::new(Resolver(origins)));
    }
    let mut authorities = Vec::new();
    for pem in &options.ca_certificates_pem {
        let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(invalid("CA certificate"))?;
        if certificates.is_empty() {
            return Err(Error::invalid("CA certificate", "it contains no PEM certificate"));
        }
        authorities.extend(certificates);
    }
    if !authorities.is_empty() {
        builder = trust_too(builder, authorities);
    }
    if let Some(pem) = &options.client_certificate_pem {
        let expected =
            |_| Error::invalid("client certificate", "give a PEM file with the certificate and its private key");
        builder = builder.identity(reqwest::Identity::from_pem(pem).map_err(expected)?);
    }
    if let Some(proxy) = &options.proxy {
        let proxy = reqwest::Proxy::all(proxy).map_err(invalid("proxy"))?;
        builder = builder.proxy(proxy.no_proxy(options.no_proxy.as_deref().and_then(reqwest::NoProxy::from_string)));
    }
    Ok(builder)
}

/// Trusts these authorities, and those of the system.
#[cfg(not(windows))]
fn trust_too(builder: reqwest::ClientBuilder, authorities: Vec<reqwest::Certificate>) -> reqwest::ClientBuilder {
    builder.tls_certs_merge(authorities)
}

/// Trusts these authorities, and those of the system. Where the verifier of Windows would have to be told of others, as
/// wine's cannot be, rustls verifies, with the system's authorities read into it.
#[cfg(windows)]
fn trust_too(builder: reqwest::ClientBuilder, authorities: Vec<reqwest::Certificate>) -> reqwest::ClientBuilder {
    let system = rustls_native_certs::load_native_certs().certs;
    let system = system.iter().filter_map(|certificate| reqwest::Certificate::from_der(certificate).ok());
    builder.tls_certs_only(authorities.into_iter().chain(system))
}

fn judge_redirects(origins: Option<Arc<UserOrigins>>) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| match origins.as_ref().map(|origins| origins.check(attempt.url())) {
        Some(Err(failure)) => attempt.error(failure.reason),
        _ => judge_redirect(attempt),
    })
}

/// The library removes `Authorization` and `Cookie` automatically when host, port or scheme change.
fn judge_redirect(attempt: redirect::Attempt<'_>) -> redirect::Action {
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error("more than 5 redirects");
    }
    let from = attempt.previous().last().map_or("", Url::scheme);
    match (from, attempt.url().scheme()) {
        (_, "https") | ("http", "http") => attempt.follow(),
        _ => attempt.error("a redirect from https to another scheme"),
    }
}

fn invalid(what: &'static str) -> impl FnOnce(reqwest::Error) -> Error {
    move |error| Error::invalid(what, Failure::of_library(error).reason)
}
