//! A client for servers without TLS.

/// It asks no proxy, and reads no certificates: unoptimised, that takes longer than most requests.
pub(crate) fn plain() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().tls_certs_only([])
}
